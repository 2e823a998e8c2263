// Solid: the snapshot as a signal.

import { from, type Accessor } from "solid-js";
import type { Core, Snapshot } from "./index.js";

export const createSession = (auth: Core): Accessor<Snapshot> =>
  from<Snapshot>((set) => {
    set(() => auth.get());
    return auth.subscribe(() => set(() => auth.get()));
  }, auth.get());
