// A sensitive operation may ask for a proof of now. The application shows how (`onStepUp`), and the operation is repeated once.

import { problemIn, type Loose } from "./answer.js";

/** Asks the person, and says whether they have proved it. */
export type OnStepUp = (asked: { readonly max_age?: number; readonly what?: string }) => Promise<boolean>;

async function asked(result: unknown): Promise<Loose | null> {
  const found = result instanceof Response ? await problemIn(result) : (result as Loose | null);
  return found?.outcome == "proof_required" ? found : null;
}

export async function withFresh<T>(operation: () => Promise<T>, onStepUp: OnStepUp | undefined): Promise<T> {
  const result = await operation();
  const proof = await asked(result);
  return proof && (await onStepUp?.(proof as object)) ? operation() : result;
}
