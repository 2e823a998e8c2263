// What became of a request, as a tagged union: a decision is a value, never an exception. `outcome` is "accepted", "continue",
// or the code of the problem; "unavailable" means that nothing was decided, whoever failed.

import type { Violation } from "./wire.js";

interface Said {
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
  readonly code?: string;
}

export type Problem = Said &
  (
    | { readonly outcome: "refused" }
    | { readonly outcome: "not_found" | "last_way_in" | "too_large" | "uri_too_long" | "method_not_allowed" }
    | { readonly outcome: "signed_out"; readonly reason?: string; readonly refreshable?: boolean }
    | { readonly outcome: "proof_required"; readonly max_age?: number; readonly what?: string }
    | { readonly outcome: "request_refused"; readonly reason?: string; readonly setting?: string }
    | { readonly outcome: "unregistered"; readonly claim: string; readonly provider: string; readonly attributes?: Readonly<Record<string, unknown>> }
    | { readonly outcome: "conflict"; readonly what?: string }
    | { readonly outcome: "policy_violation"; readonly violations: readonly Violation[] }
    | { readonly outcome: "throttled"; readonly retry_after?: number }
    | { readonly outcome: "invalid_argument"; readonly field?: string }
    | { readonly outcome: "unsupported_media_type" | "headers_too_large" }
    /** No connection, a server in trouble, somebody else's page: try again, and believe nothing. */
    | { readonly outcome: "unavailable"; readonly retry_after?: number; readonly cause?: unknown }
    /** The person said no to the browser, or took too long. `name` is the DOMException's. */
    | { readonly outcome: "cancelled"; readonly name: string }
  );

export type Answer<T = object> = ({ readonly outcome: "accepted" } & T) | Problem;

// Read loosely inside, typed for callers.
export type Loose = { outcome: string; [member: string]: any };

/** Whether a response carries problem details, and which; null where it is somebody else's answer. */
export async function problemIn(response: Response): Promise<Loose | null> {
  if (!/^application\/problem\+json/i.test(response.headers.get("content-type") ?? "")) return null;
  try {
    return ours(await response.clone().json());
  } catch {
    return null;
  }
}

/** Problem details of ours: another program's may have a `code`, too, but its type does not end in it. */
export function ours(body: any): Loose | null {
  return body.code && String(body.type).endsWith(body.code) ? { ...body, outcome: body.code } : null;
}

/** Reads a whole response of the surface. */
export async function answerOf(response: Response): Promise<Loose> {
  const wait = Number(response.headers.get("retry-after")) || undefined;
  const problem = await problemIn(response);
  if (problem && response.status < 500) return wait ? { retry_after: wait, ...problem } : problem;
  if (response.status == 204) return { outcome: "accepted" };
  if (response.ok && /^application\/json/i.test(response.headers.get("content-type") ?? "")) {
    const body = await response.json();
    if (body && typeof body == "object") return { outcome: "accepted", ...body };
  }
  // A server in trouble, or a page of whoever stands between: a 200 of a captive portal is no answer.
  return { ...problem, outcome: "unavailable", retry_after: wait };
}
