// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import{useSyncExternalStore as o}from"react";var s=e=>o(e.subscribe,e.get,e.getServer);export{s as useSession};
