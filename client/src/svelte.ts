// Svelte: the snapshot as a store, for `$session`.

import type { Core, Snapshot } from "./index.js";

export const sessionStore = (auth: Core) => ({
  subscribe(run: (snapshot: Snapshot) => void): () => void {
    run(auth.get());
    return auth.subscribe(() => run(auth.get()));
  },
});
