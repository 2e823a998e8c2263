// Many tabs, at the moment their access token ends. The server's claim and the client's: no call fails, nobody is signed out, with
// or without a lock. A server whose refresh tokens are good once is found out.
import assert from "node:assert/strict";
import { later, result, until } from "./engines.mjs";
import { serve } from "../server/serve.mjs";
import { PASSWORD } from "../server/steps.mjs";

const HOUR = 3_600_000;

export async function storm(engine, client, { tabs = 8, calls = 5, rounds = 3, without = "", orphan = false, rule, delay = 250 } = {}) {
  const server = await serve({ client, rule });
  const drawn = (line) => (line == "POST /auth/refresh" ? delay : Math.random() * delay);
  const sum = { failed: 0, out: 0, refreshes: [], calls: 0 };
  try {
    const open = [];
    for (let i = 0; i < tabs; i++) open.push(await engine.open(`${server.origin}/?without=${without}`));
    for (const tab of open) await until(tab, "window.ready && auth.get().status == 'signed_out'");
    await result(open[0], `auth.signIn("email", "ada@example.com", { password: "${PASSWORD}" })`);
    for (const tab of open) {
      // Without a channel a hidden tab is told by nobody but the storage event.
      await until(tab, "auth.get().status == 'signed_in'");
      await result(tab, "auth.check()");
    }
    if (orphan) await open[0].eval(`void navigator.locks.request("doorward:${server.base}/", () => new Promise(() => {}))`);
    server.delay = drawn;
    server.after = () => Math.random() * delay;
    for (let round = 0; round < rounds; round++) {
      server.sessions.shift += HOUR + 60_000;
      server.log.length = 0;
      const at = Date.now() + 2000 + tabs * 150;
      const begun = open.map((tab) =>
        result(
          tab,
          `new Promise((done) => setTimeout(done, Math.max(0, ${at} - Date.now()))).then(() =>
             Promise.all(Array.from({ length: ${calls} }, () => auth.fetch("/api/me").then(({ status }) => status, String))))`,
          60,
        ),
      );
      const statuses = (await Promise.all(begun)).flat();
      sum.calls += statuses.length;
      sum.failed += statuses.filter((status) => status != 200).length;
      sum.refreshes.push(server.count("POST /auth/refresh"));
      if (sum.failed && rule) break;
    }
    server.delay = server.after = () => 0;
    await later(200);
    for (const tab of open) sum.out += (await tab.eval("auth.get().status")) == "signed_out";
    const ends = [...server.sessions.rows.values()].map(({ ended }) => ended).filter(Boolean);
    assert.ok(rule || !ends.includes("token_reuse"), String(ends));
    for (const tab of open) await tab.goto("about:blank");
    return sum;
  } finally {
    await server.close();
  }
}
