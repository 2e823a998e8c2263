// What this tab knows, and what it believes. Three kinds of news come in: answers to a question, answers to a deed (a sign-in, a
// refresh), and words of other tabs. An answer counts if nothing else came while it was on its way; a deed or a word counts if
// it is the newest by the server's clock. What does not count and says something else sends the tab back to ask.

import type { Loose } from "./answer.js";
import { Clock } from "./clock.js";
import { Listeners } from "./listeners.js";
import { identity, isSnapshot, snapshotOf, type Initial, type Snapshot } from "./snapshot.js";
import type { WireSnapshot } from "./wire.js";

export class Known {
  readonly clock = new Clock();
  readonly listeners = new Listeners();
  readonly initial: Snapshot;
  snapshot: Snapshot;
  /** Grows with each piece of news that was believed. */
  news = 0;
  /** Questions in a row that nobody answered, and for how many seconds the server wants none. */
  failures = 0;
  pause = 0;
  /** The server's time of the newest news. */
  #newest = 0;

  constructor(initial: Initial | undefined) {
    this.initial = this.snapshot = snapshotOf(initial ?? null);
    if (isSnapshot(initial)) this.#heard(initial);
  }

  /** When the access token ends, as text: another text is another token. */
  get accessEnd(): string | undefined {
    return this.snapshot.session?.access_expires_at;
  }

  /** Believes it, or says that the server has to be asked. `since` is what `news` was when it set out. */
  take(wire: WireSnapshot, since: number, isDeed: boolean): boolean {
    const next = snapshotOf(wire);
    const isSame = identity(next) == identity(this.snapshot);
    if (since != this.news && (Date.parse(wire.now) < this.#newest || !(isDeed || isSame))) return isSame;
    this.news++;
    this.#heard(wire);
    this.#show(next, isDeed);
    return true;
  }

  /** The server was heard, and what it says of the session is what is known. */
  confirm(wire: WireSnapshot): void {
    this.#heard(wire);
    this.#show({ ...this.snapshot, stale: false }, false);
  }

  /** Nobody answered: nothing is known to be otherwise. */
  doubt(answer: Loose): void {
    this.failures++;
    this.pause = answer.retry_after ?? 0;
    this.#show({ ...this.snapshot, stale: true }, false);
  }

  #heard(wire: WireSnapshot): void {
    this.#newest = Date.parse(wire.now);
    this.clock.set(this.#newest);
    this.failures = 0;
  }

  #show(next: Snapshot, isDeed: boolean): void {
    const before = this.snapshot;
    if (JSON.stringify(next) == JSON.stringify(before)) return;
    this.snapshot = Object.freeze(next);
    // Nobody draws it again for the two times that move with each use.
    if (JSON.stringify(next, still) == JSON.stringify(before, still)) return;
    const wasIn = before.status == "signed_in";
    const isIn = next.status == "signed_in";
    if (wasIn && isIn && before.user?.id != next.user?.id) this.listeners.tell("user_changed", next, before);
    if (!wasIn && isIn && (isDeed || before.status == "signed_out")) this.listeners.tell("signed_in", next, before);
    if (wasIn && !isIn) this.listeners.tell("signed_out", next, before);
    this.listeners.tell("", next, before);
  }
}

const still = (name: string, value: unknown) => (/^(access|idle)_expires_at$/.test(name) ? undefined : value);
