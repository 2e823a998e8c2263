// The application's own requests. An access token that is over is renewed, once, and the request is sent again: only to our
// origin, only when the answer is our problem, only what can be sent twice, and only for the person who sent it.

import { problemIn } from "./answer.js";
import type { Known } from "./known.js";
import type { Session } from "./session.js";
import type { Transport } from "./transport.js";

export function fetchOf(known: Known, session: Session, transport: Transport): typeof fetch {
  const { base, store } = transport;

  const send = async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const isRequest = input instanceof Request;
    if (store) {
      const headers = new Headers(init.headers ?? (isRequest ? input.headers : undefined));
      const { access } = await transport.tokens();
      if (access && !headers.has("authorization")) headers.set("authorization", "Bearer " + access);
      init = { ...init, headers };
    } else if (!isRequest) init = { credentials: "include", ...init };
    return transport.raw(input, init);
  };

  return async (input, init) => {
    const isRequest = input instanceof Request;
    const address = new URL(isRequest ? input.url : input, globalThis.location?.href ?? base);
    if (address.origin != base.origin) return transport.raw(input, init);

    const isIn = () => known.snapshot.status == "signed_in";
    if (isIn() && known.clock.isPast(known.accessEnd)) await session.refresh();

    const { accessEnd, snapshot } = known;
    // A body that is read while it is sent cannot be sent again; a Request's is kept by its copy.
    const isOnce = init?.body instanceof ReadableStream;
    const response = await send(isRequest && !isOnce ? input.clone() : input, init);
    if (response.status != 401 || (response.url && new URL(response.url).origin != base.origin)) return response;
    const problem = await problemIn(response);
    if (problem?.outcome != "signed_out") return response;
    if (!problem.refreshable) {
      if (isIn()) void session.check();
      return response;
    }
    if (known.accessEnd == accessEnd) await session.refresh();
    const isRenewed = isIn() && known.accessEnd != accessEnd;
    // What one person began is not sent for another one.
    const isTheirs = !snapshot.user || snapshot.user.id == known.snapshot.user?.id;
    if (!isRenewed || !isTheirs || isOnce) return response;
    void response.body?.cancel();
    return send(input, init);
  };
}
