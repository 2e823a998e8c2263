// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import{from as r}from"solid-js";var t=e=>r(o=>(o(()=>e.get()),e.subscribe(()=>o(()=>e.get()))),e.get());export{t as createSession};
