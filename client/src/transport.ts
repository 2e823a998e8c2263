// One request to the surface, and what became of it. It never throws: what did not arrive is "unavailable".

import { answerOf, type Loose } from "./answer.js";
import { isSnapshot } from "./snapshot.js";
import { headersOf, kept, type Tokens, type TokenStore } from "./tokens.js";
import type { WireSnapshot } from "./wire.js";

const TIME_LIMIT = 20_000;

export interface Settings {
  /** Where the surface is: "/auth", or an address. */
  readonly base?: string;
  readonly fetch?: typeof fetch;
  /** "cookie", or the place of an app's tokens. */
  readonly storage?: "cookie" | TokenStore;
}

export class Transport {
  readonly base: URL;
  readonly store: TokenStore | null;
  readonly #fetch: typeof fetch | undefined;
  /** Tokens are read and written in turn: what one answer brings is there for the next request. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ base = "/auth", fetch, storage }: Settings) {
    this.base = new URL(base.replace(/\/*$/, "/"), globalThis.location?.href ?? "http://localhost");
    this.store = storage && storage != "cookie" ? storage : null;
    this.#fetch = fetch;
  }

  /** The fetch of the platform, looked up at each call: nothing of it is changed or kept. */
  raw(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    return (this.#fetch ?? globalThis.fetch)(input, init);
  }

  async tokens(): Promise<Tokens> {
    await this.#turn;
    return (await this.store?.load()) ?? {};
  }

  /** Whether this is an app that has something to refresh with. */
  async hasRefresh(): Promise<boolean> {
    return Boolean(this.store && (await this.tokens()).refresh);
  }

  async send(method: string, path: string, body?: object): Promise<Loose> {
    try {
      const tokens = await this.tokens();
      if (this.store && path == "refresh") body = { refresh_token: tokens.refresh };
      const response = await this.raw(new URL(path, this.base), {
        method,
        body: body && JSON.stringify(body),
        headers: {
          Accept: "application/json",
          ...(body && { "Content-Type": "application/json" }),
          ...(this.store && headersOf(tokens)),
        },
        credentials: this.store ? "omit" : "include",
        cache: "no-store",
        // The surface answers where it is asked; whoever redirects is somebody else, and gets nothing of the body.
        redirect: "error",
        // A page that is left right after this does not cut it off.
        keepalive: path == "sign-out",
        signal: AbortSignal.timeout(TIME_LIMIT),
      });
      const answer = await answerOf(response);
      if (this.store) await this.#keep((held) => kept(tokens, held, path, response.headers, answer));
      return answer;
    } catch (cause) {
      return { outcome: "unavailable", cause };
    }
  }

  #keep(next: (held: Tokens) => Tokens): Promise<void> {
    const done = this.#turn.then(async () => this.store!.save(next((await this.store!.load()) ?? {})));
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** The snapshot in an answer: the whole body, or its member `session`. */
export function snapshotIn(answer: Loose): WireSnapshot | undefined {
  return isSnapshot(answer) ? answer : isSnapshot(answer.session) ? answer.session : undefined;
}
