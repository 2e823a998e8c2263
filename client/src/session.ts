// Asks, refreshes, and tells the other tabs. Nothing here throws: who cannot be asked leaves the snapshot stale.

import type { Loose } from "./answer.js";
import { channelOf } from "./channel.js";
import type { Known } from "./known.js";
import { courteously } from "./lock.js";
import { isSnapshot } from "./snapshot.js";
import { snapshotIn, type Transport } from "./transport.js";
import type { WireSnapshot } from "./wire.js";

export class Session {
  readonly channel;
  readonly #known: Known;
  readonly #transport: Transport;
  readonly #name: string;
  #checking: Promise<void> | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(known: Known, transport: Transport) {
    this.#known = known;
    this.#transport = transport;
    this.#name = "doorward:" + transport.base;
    this.channel = channelOf(this.#name, (word) => {
      // A word without a snapshot says only that something has changed.
      if (!isSnapshot(word) || !known.take(word, -1, true)) void this.check();
    });
  }

  /** Asks who is signed in, and refreshes if that will do. */
  check(mayRefresh = true): Promise<void> {
    const checking = (this.#checking ??= this.#look(mayRefresh).finally(() => {
      if (this.#checking == checking) this.#checking = undefined;
    }));
    return checking;
  }

  /** The same after a sleep: an answer that is still on its way from before is not waited for. */
  checkAnew(): Promise<void> {
    this.#checking = undefined;
    return this.check();
  }

  /** Gets new tokens: once for all who ask in this tab, and in turn with the other tabs. */
  refresh(): Promise<void> {
    const { accessEnd } = this.#known;
    return (this.#refreshing ??= courteously(this.#name, () => this.#exchange(accessEnd)).finally(
      () => (this.#refreshing = undefined),
    ));
  }

  /** What the answer to a deed says of the session, if anything. */
  async learn(answer: Loose, since: number): Promise<void> {
    const wire = snapshotIn(answer);
    if (!wire) return;
    if (this.#take(wire, since, true)) return;
    await this.check();
  }

  /** Whether the cookies of a sign-in came back. A browser that blocks them says nothing of it. */
  async prove(): Promise<void> {
    const known = this.#known;
    const { news } = known;
    await this.check();
    const { snapshot } = known;
    if (known.news == news + 1 && snapshot.reason == "no_token") known.listeners.tell("cookies_blocked", snapshot, snapshot);
  }

  async #exchange(accessEnd: string | undefined): Promise<void> {
    const known = this.#known;
    // Another tab has done it while this one waited.
    if (accessEnd != known.accessEnd && !known.clock.isPast(known.accessEnd)) return;
    const since = known.news;
    const answer = await this.#transport.send("POST", "refresh", {});
    if (answer.outcome == "signed_out") await this.#look(false, answer.reason ?? "invalid");
    else if (!isSnapshot(answer)) known.doubt(answer);
    else if (!this.#take(answer, since, true)) await this.#look(false);
  }

  /** `refused`: why a refresh was. That is believed when the server, asked with the cookies of now, does not say otherwise. */
  async #look(mayRefresh: boolean, refused?: string): Promise<void> {
    const known = this.#known;
    for (let turn = 0; turn < 3; turn++) {
      const since = known.news;
      let wire: Loose | WireSnapshot = await this.#transport.send("GET", "session");
      if (!isSnapshot(wire)) return known.doubt(wire);
      if (wire.status == "refreshable" || (wire.status == "signed_out" && (await this.#transport.hasRefresh()))) {
        if (!refused && (mayRefresh || known.snapshot.status != "signed_in")) return this.refresh();
        if (!refused) return known.confirm(wire);
      }
      if (refused && wire.status != "signed_in") wire = { status: "signed_out", now: wire.now, reason: refused };
      if (this.#take(wire, since, false)) return;
    }
  }

  #take(wire: WireSnapshot, since: number, isDeed: boolean): boolean {
    const isTaken = this.#known.take(wire, since, isDeed);
    // Those who hear it need not ask. Tokens stay here: of an app nothing is told.
    if (isTaken && !this.#transport.store) this.channel.tell(wire);
    return isTaken;
  }
}
