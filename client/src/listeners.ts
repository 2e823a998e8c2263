// Who is told of changes: subscribers of every one, handlers of those with a name.

import type { Snapshot } from "./snapshot.js";

export type EventName = "signed_in" | "signed_out" | "user_changed" | "cookies_blocked";
export type Handler = (now: Snapshot, before: Snapshot) => void;

export class Listeners {
  #all = new Map<object, [string, Handler]>();

  on(name: EventName | "", handler: Handler): () => void {
    const key = {};
    this.#all.set(key, [name, handler]);
    return () => void this.#all.delete(key);
  }

  tell(name: EventName | "", now: Snapshot, before: Snapshot): void {
    for (const [wanted, handler] of [...this.#all.values()]) {
      try {
        if (wanted == name) handler(now, before);
      } catch (error) {
        // One listener's mistake is not the next one's, nor ours.
        console.error(error);
      }
    }
  }
}
