// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import { type ShallowRef } from "vue";
import type { Core, Snapshot } from "./client.js";
export declare function useSession(auth: Core): Readonly<ShallowRef<Snapshot>>;
