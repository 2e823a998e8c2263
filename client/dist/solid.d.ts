// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import { type Accessor } from "solid-js";
import type { Core, Snapshot } from "./client.js";
export declare const createSession: (auth: Core) => Accessor<Snapshot>;
