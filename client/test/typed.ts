// Compiled by a test against the installed package: what an application writes, and what it must not be able to write.
import { createClient, type Snapshot, type Step } from "@doorward/client";
import { resume, session } from "@doorward/client/server";

const auth = createClient({ onStepUp: async ({ max_age }) => (max_age ?? 0) > 0 });

export async function signIn(name: string, password: string): Promise<string> {
  const step: Step = await auth.signIn("email", name, { password });
  switch (step.outcome) {
    case "accepted":
      return "/";
    case "continue":
      return step.next.map(({ provider, fields }) => provider + fields.length).join();
    case "throttled":
      return `in ${step.retry_after} s`;
    case "policy_violation":
      return step.violations[0]?.rule ?? "";
    case "refused":
      return step.answer ? "again" : "no";
    default:
      return step.outcome;
  }
}

export function name(snapshot: Snapshot): unknown {
  // @ts-expect-error nobody may be there
  snapshot.user.attributes;
  // @ts-expect-error nobody changes it
  snapshot.stale = false;
  return snapshot.user?.attributes["name"];
}

// @ts-expect-error not an event
auth.on("signed-in", () => {});
// @ts-expect-error not a place to sign out
void auth.signOut("there");

export async function page(request: Request): Promise<Response | Snapshot> {
  const found = await session(request, { url: "http://127.0.0.1:8000/auth" });
  return resume(request, found) ?? createClient({ initial: found }).get();
}
