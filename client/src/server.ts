// For a server that renders pages in front of the surface. It asks who is there and never refreshes: what it would be given cannot
// always reach the browser. A session that is due for a refresh is the browser's to refresh, or takes one bounce (`resume`).

import type { Initial } from "./index.js";
import { isSnapshot } from "./snapshot.js";

export interface Place {
  /** The surface as this server reaches it: "http://127.0.0.1:8000/auth". Never made from a request. */
  readonly url: string;
  /** The surface as browsers reach it; "/auth". */
  readonly base?: string;
  /** Where a person signs in; "/sign-in". */
  readonly signIn?: string;
  readonly fetch?: typeof fetch;
}

const MARK = "doorward-resumed";
/** Seconds in which a second bounce leads to the sign-in page. */
const ONCE_IN = 10;

/** Who sent this request, for `createClient({ initial })`; "unknown" where nobody could say. */
export async function session(request: Request, place: Place): Promise<Initial> {
  const cookie = request.headers.get("cookie");
  try {
    const response = await (place.fetch ?? fetch)(place.url.replace(/\/*$/, "/session"), {
      headers: { Accept: "application/json", ...(cookie && { Cookie: cookie }) },
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(5_000),
    });
    const body: unknown = response.ok ? await response.json() : null;
    return isSnapshot(body) ? body : { status: "unknown" };
  } catch {
    return { status: "unknown" };
  }
}

/**
 * The redirect that refreshes and comes back, where `found` is "refreshable" and a person is on the way to a page; else null.
 * Twice within ten seconds, it leads to the sign-in page: a browser that keeps no cookies would go round for ever.
 */
export function resume(request: Request, found: Initial, place: Pick<Place, "base" | "signIn"> = {}): Response | null {
  const { headers, method, url } = request;
  const isPage = method == "GET" && !headers.has("sec-purpose") && (headers.get("sec-fetch-mode") ?? "navigate") == "navigate";
  if (found.status != "refreshable" || !isPage) return null;
  const { pathname, search } = new URL(url);
  const to = encodeURIComponent(pathname.replace(/^\/+/, "/") + search);
  const isSecond = RegExp(`(^|; *)${MARK}=`).test(headers.get("cookie") ?? "");
  const location = isSecond ? `${place.signIn ?? "/sign-in"}?to=${to}` : `${(place.base ?? "/auth").replace(/\/*$/, "")}/resume?to=${to}`;
  const mark = `${MARK}=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=${isSecond ? 0 : ONCE_IN}`;
  return new Response(null, { status: 303, headers: { Location: location, "Set-Cookie": mark, "Cache-Control": "no-store" } });
}
