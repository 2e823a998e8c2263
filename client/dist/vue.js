// @doorward/client, MIT OR Apache-2.0. Built by client/build.mjs from client/src.
import{onScopeDispose as s,shallowRef as n}from"vue";function t(e){let o=n(e.get());return s(e.subscribe(()=>o.value=e.get())),o}export{t as useSession};
