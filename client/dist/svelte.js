// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
var e=o=>({subscribe(s){return s(o.get()),o.subscribe(()=>s(o.get()))}});export{e as sessionStore};
