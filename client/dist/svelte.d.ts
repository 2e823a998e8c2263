// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import type { Core, Snapshot } from "./client.js";
export declare const sessionStore: (auth: Core) => {
    subscribe(run: (snapshot: Snapshot) => void): () => void;
};
