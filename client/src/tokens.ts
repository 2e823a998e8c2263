// Apps without cookies (on a phone, in a terminal) keep their tokens themselves. The application brings the place: a keychain, a
// keystore, a file of its user.

export interface Tokens {
  readonly access?: string;
  readonly refresh?: string;
  /** What makes this a known device: it stays when somebody signs out. */
  readonly device?: string;
  /** What binds a flow to this app, between its steps. */
  readonly flow?: string;
}

export interface TokenStore {
  load(): Tokens | null | undefined | Promise<Tokens | null | undefined>;
  save(tokens: Tokens): void | Promise<void>;
}

/** The header lines of an app's request. */
export function headersOf(tokens: Tokens): Record<string, string> {
  return {
    "Doorward-Client": "app",
    ...(tokens.access && { Authorization: "Bearer " + tokens.access }),
    ...(tokens.device && { "Doorward-Device": tokens.device }),
    ...(tokens.flow && { "Doorward-Flow": tokens.flow }),
  };
}

/** What an answer leaves the app with: `sent` went with the request, `held` is there by now. */
export function kept(sent: Tokens, held: Tokens, path: string, headers: Headers, answer: any): Tokens {
  // A step has a snapshot, a snapshot has a session, and that has the tokens.
  const session = answer.session?.session ?? answer.session ?? {};
  // What the server says of a token counts for that token only: a sign-in may have brought another one meanwhile.
  const isOfHeld = path != "refresh" || sent.refresh == held.refresh;
  const isOver = path == "sign-out" ? answer.status == "signed_out" : path == "refresh" && answer.outcome == "signed_out" && !answer.refreshable;
  const next = (name: "access" | "refresh") =>
    !isOfHeld ? held[name] : isOver ? undefined : (session[name + "_token"] ?? held[name]);
  return {
    access: next("access"),
    refresh: next("refresh"),
    device: headers.get("doorward-device") ?? held.device,
    flow: headers.get("doorward-flow") ?? held.flow,
  };
}
