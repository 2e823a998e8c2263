// Vue: the snapshot as a ref, for as long as the scope lives.

import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import type { Core, Snapshot } from "./index.js";

export function useSession(auth: Core): Readonly<ShallowRef<Snapshot>> {
  const session = shallowRef(auth.get());
  onScopeDispose(auth.subscribe(() => (session.value = auth.get())));
  return session;
}
