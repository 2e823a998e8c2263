// Sessions as docs/sessions.md has them, in memory: whoever presents a refresh token gets the same successor while it settles. With
// `rule: "one_use"` it is what others do, and what the storm has to find: a refresh token is good once, and a second use ends all.
import { randomBytes, randomUUID } from "node:crypto";

const GRACE = 30_000;

export class Sessions {
  rows = new Map();
  /** What passes on the server's clock beside what passes on the machine's. */
  shift = 0;

  constructor({ rule = "successor", accessTtl = 3_600_000, idleTtl = 86_400_000 } = {}) {
    Object.assign(this, { rule, accessTtl, idleTtl });
  }

  now = () => Date.now() + this.shift;

  create(user, factors) {
    const row = {
      id: randomUUID(),
      user,
      factors: factors.map((provider) => ({ provider, class: "knowledge", at: this.#time() })),
      authenticated: this.now(),
      generation: 0,
      confirmed: this.now(),
      refresh: this.#token("dwr"),
      access: this.#token("dwa"),
      old: new Set(),
    };
    row.accessEnd = this.now() + this.accessTtl;
    row.idleEnd = this.now() + this.idleTtl;
    this.rows.set(row.id, row);
    return row;
  }

  /** Who presents this access token: `{ row }`, `{ refreshable }` or `{ reason }`. */
  validate(access, isUse = true) {
    if (!access) return { reason: "no_token" };
    const row = this.#find((one) => one.access == access || one.previousAccess == access || one.oldAccess?.has(access));
    if (!row) return { reason: "invalid" };
    if (row.ended) return { reason: row.ended };
    if (this.now() >= row.idleEnd) return { reason: "expired" };
    const isCurrent = row.access == access && this.now() < row.accessEnd;
    const isPrevious = row.previousAccess == access && this.now() < row.previousEnd && this.#isSettling(row);
    if (!isCurrent && !isPrevious) return { refreshable: true, row };
    if (isUse) {
      if (isCurrent) row.confirmed ??= this.now();
      row.idleEnd = this.now() + this.idleTtl;
    }
    return { row };
  }

  refresh(token) {
    if (!token) return { reason: "no_token" };
    const row = this.#find((one) => one.refresh == token || one.previous == token || one.old.has(token));
    if (!row) return { reason: "invalid" };
    if (row.ended) return { reason: row.ended };
    if (this.now() >= row.idleEnd) return { reason: "expired" };
    row.idleEnd = this.now() + this.idleTtl;
    if (row.refresh == token && (this.rule == "one_use" || !this.#isSettling(row))) this.#exchange(row);
    else if (row.refresh == token) row.confirmed ??= this.now();
    else if (this.rule == "one_use" || row.previous != token || !this.#isSettling(row)) {
      row.ended = "token_reuse";
      return { reason: row.ended };
    }
    row.accessEnd = this.now() + this.accessTtl;
    return { row };
  }

  end(row, reason = "signed_out") {
    row.ended ??= reason;
  }

  of(user) {
    return [...this.rows.values()].filter((row) => row.user == user && !row.ended);
  }

  snapshot(row, isApp) {
    const { user, factors } = row;
    const time = (at) => this.#time(at);
    return {
      status: "signed_in",
      now: time(),
      user: { id: user.id, attributes: user.attributes },
      session: {
        id: row.id,
        access_expires_at: time(row.accessEnd),
        idle_expires_at: time(row.idleEnd),
        absolute_expires_at: time(row.authenticated + 30 * 86_400_000),
        authenticated_at: time(row.authenticated),
        persistent: false,
        fresh_until: time(row.authenticated + 600_000),
        factors,
        ...(isApp && { access_token: row.access, refresh_token: row.refresh }),
      },
    };
  }

  state(seen) {
    if (seen.refreshable) return { status: "refreshable", now: this.#time() };
    return { status: "signed_out", now: this.#time(), reason: seen.reason };
  }

  #exchange(row) {
    row.old.add(row.previous);
    (row.oldAccess ??= new Set()).add(row.previousAccess);
    row.previous = row.refresh;
    row.previousAccess = row.access;
    row.previousEnd = row.accessEnd;
    row.generation++;
    row.refresh = this.#token("dwr");
    row.access = this.#token("dwa");
    row.confirmed = null;
  }

  #isSettling = (row) => row.confirmed == null || this.now() < row.confirmed + GRACE;
  #find = (holds) => [...this.rows.values()].find(holds);
  #token = (kind) => `${kind}_${randomBytes(16).toString("base64url")}`;
  #time = (at = this.now()) => new Date(at).toISOString().replace("Z", "000Z");
}
