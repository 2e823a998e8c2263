// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import type { Initial } from "./client.js";
export interface Place {
    /** The surface as this server reaches it: "http://127.0.0.1:8000/auth". Never made from a request. */
    readonly url: string;
    /** The surface as browsers reach it; "/auth". */
    readonly base?: string;
    /** Where a person signs in; "/sign-in". */
    readonly signIn?: string;
    readonly fetch?: typeof fetch;
}
/** Who sent this request, for `createClient({ initial })`; "unknown" where nobody could say. */
export declare function session(request: Request, place: Place): Promise<Initial>;
/**
 * The redirect that refreshes and comes back, where `found` is "refreshable" and a person is on the way to a page; else null.
 * Twice within ten seconds, it leads to the sign-in page: a browser that keeps no cookies would go round for ever.
 */
export declare function resume(request: Request, found: Initial, place?: Pick<Place, "base" | "signIn">): Response | null;
