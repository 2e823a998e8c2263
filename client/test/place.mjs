// What a client stands in, without a DOM: a cookie jar that several tabs share, a page with its events, a clock that obeys.
import { mock } from "node:test";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { serve } from "./server/serve.mjs";

const built = process.env.DOORWARD_CLIENT ?? new URL("../dist/", import.meta.url);
export const dist = built instanceof URL ? built : pathToFileURL(resolve(built) + "/");
export const { createClient, createCore } = await import(new URL("client.js", dist));

/** A server, and a browser at it; both are gone at the end of the test. */
export async function place(t, rules) {
  const server = await serve({ host: "127.0.0.1", ...rules });
  const tabs = [];
  t.after(async () => {
    for (const tab of tabs) tab.close();
    await server.close();
  });
  const jar = new Map();
  const browser = {
    jar,
    /** A browser that takes no cookies. */
    isBlocked: false,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      if (cookie && request.credentials != "omit" && new URL(request.url).origin == server.origin) request.headers.set("cookie", cookie);
      const response = await fetch(request);
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (/Max-Age=0/.test(line)) jar.delete(name);
        else if (!browser.isBlocked) jar.set(name, value);
      }
      return response;
    },
    tab: (options) => {
      const tab = createClient({ base: server.base, fetch: browser.fetch, ...options });
      tabs.push(tab);
      return tab;
    },
  };
  return { server, ...browser, browser };
}

/** As much of a page as the client listens to. */
export function page(t) {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const window = new EventTarget();
  Object.assign(globalThis, { document, window });
  t.after(() => {
    delete globalThis.document;
    delete globalThis.window;
  });
  return {
    tell: (target, name, more) => ({ document, window })[target].dispatchEvent(Object.assign(new Event(name), more)),
    show(state) {
      document.visibilityState = state;
      document.dispatchEvent(new Event("visibilitychange"));
    },
  };
}

/** A clock that passes when it is told to: the wall's, the steady one, and the timers. */
export function clock(t) {
  const start = Date.now();
  let now = start;
  let skew = 0;
  const timers = new Map();
  const { setTimeout, clearTimeout } = globalThis;
  const wall = mock.method(Date, "now", () => now);
  const steady = mock.method(performance, "now", () => now - start - skew);
  globalThis.setTimeout = (run, ms, ...rest) => {
    // The platform's own fetch has timers, too: those are real.
    if (/undici/.test(new Error().stack)) return setTimeout(run, ms, ...rest);
    const timer = {};
    timers.set(timer, { at: now - skew + (ms || 0), run });
    return timer;
  };
  globalThis.clearTimeout = (timer) => timers.delete(timer) || clearTimeout(timer);
  t.after(() => {
    Object.assign(globalThis, { setTimeout, clearTimeout });
    wall.mock.restore();
    steady.mock.restore();
  });
  return {
    /** What nobody sets: the server's clock. */
    now: () => now - skew,
    async pass(ms, step = 1000) {
      for (let gone = 0; gone < ms; gone += step) {
        now += Math.min(step, ms - gone);
        for (const [timer, { at, run }] of [...timers].sort(([, a], [, b]) => a.at - b.at)) {
          if (at <= now - skew && timers.delete(timer)) run();
        }
        await settled(2);
      }
      await settled();
    },
    /** Somebody sets the wall clock, or the machine sleeps: the steady one does not see it. */
    jump(ms) {
      skew += ms;
      now += ms;
    },
  };
}

const turn = setImmediate;
const later = setTimeout;

/** Until what was begun is through, on a machine of any speed. */
export async function settled(turns = 30) {
  for (let i = 0; i < turns; i++) await new Promise((done) => turn(done));
}

export async function until(holds, what = String(holds)) {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return;
    await new Promise((done) => later(done, 10));
  }
  throw new Error(`not so after 4 s: ${what}`);
}
