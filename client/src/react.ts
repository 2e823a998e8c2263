// React: the snapshot as a hook. The server's own snapshot is used while the page comes to life.

import { useSyncExternalStore } from "react";
import type { Core, Snapshot } from "./index.js";

export const useSession = (auth: Core): Snapshot => useSyncExternalStore(auth.subscribe, auth.get, auth.getServer);
