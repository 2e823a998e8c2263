// What a person sees who has several tabs, goes back, loses the network, closes the lid.
import assert from "node:assert/strict";
import { later, result, until } from "./engines.mjs";
import { serve } from "../server/serve.mjs";
import { PASSWORD } from "../server/steps.mjs";

const WHO = "document.getElementById('who').textContent";
const signIn = (name = "ada") => `auth.signIn("email", "${name}@example.com", { password: "${PASSWORD}" }).then(({ outcome }) => outcome)`;

async function opened(engine, client, count, path = "/", rules) {
  const server = await serve({ client, ...rules });
  const tabs = [];
  for (let i = 0; i < count; i++) tabs.push(await (count == 1 ? engine.show : engine.open)(server.origin + path));
  for (const tab of tabs) await until(tab, "window.ready && auth.get().status != 'unknown'");
  return { server, tabs };
}

/** A sign-in, another user and a sign-out reach hidden tabs; gives the longest wait in milliseconds. */
export async function following(engine, client, path) {
  const { server, tabs } = await opened(engine, client, 5, path);
  server.steps.add("bob@example.com", "Bob");
  let longest = 0;
  const everywhere = async (wanted) => {
    const told = [];
    for (const tab of tabs) {
      await until(tab, `${WHO} == ${JSON.stringify(wanted)}`);
      told.push(await tab.eval(`seen.filter(({ at }) => at).at(-1).at`));
    }
    longest = Math.max(longest, Math.max(...told) - Math.min(...told));
  };
  assert.equal(await result(tabs[0], signIn()), "accepted");
  await everywhere("Ada");
  assert.equal(await result(tabs[1], signIn("bob")), "accepted");
  await everywhere("Bob");
  await result(tabs[2], "auth.signOut().then(() => 0)");
  await everywhere("signed_out");
  const events = await tabs[4].eval("seen.map(({ event }) => event).filter(Boolean).join()");
  assert.equal(events, "signed_in,user_changed,signed_out");
  await server.close();
  return longest;
}

/** Nothing answers, or somebody else does: stale, never signed out, and right again by itself. */
export async function trouble(engine, client, seconds = 3) {
  const { server, tabs: [tab] } = await opened(engine, client, 1);
  assert.equal(await result(tab, signIn()), "accepted");
  for (const kind of ["503", "html", "cut"]) {
    server.trouble = kind;
    await result(tab, "auth.check().then(() => 0)");
    assert.equal(await tab.eval(`${WHO} + auth.get().stale`), "Adatrue", kind);
    await later(seconds * 1000);
    assert.equal(await tab.eval(WHO), "Ada", kind);
    server.trouble = null;
    await until(tab, "auth.get().stale == false", 40);
  }
  if (tab.page && engine.name == "chromium") {
    await tab.page.setOfflineMode(true);
    await result(tab, "auth.check().then(() => 0)");
    assert.equal(await tab.eval(`${WHO} + auth.get().stale`), "Adatrue", "offline");
    await tab.page.setOfflineMode(false);
    await until(tab, "auth.get().stale == false", 5);
  }
  assert.equal(await tab.eval("seen.some(({ event }) => event == 'signed_out')"), false);
  await server.close();
}

/** Back after a sign-out, here or in another tab: the page that is shown corrects itself, by itself; in the long form, where a
 * busy machine is no excuse, no signed-in page is there 200 ms after it is shown. */
export async function cache(engine, client, { path, where }) {
  const { server, tabs: [tab, other] } = await opened(engine, client, 2, path);
  await tab.front();
  assert.equal(await result(tab, signIn()), "accepted");
  await until(tab, `${WHO} == 'Ada'`);
  await result(tab, "auth.check().then(() => 0)");
  await tab.goto(`${server.origin}/next`);
  await until(tab, "window.ready && auth.get().status == 'signed_in'");
  await result(where == "here" ? tab : other, "auth.signOut().then(() => 0)");
  await tab.front();
  await tab.back();
  const shown = JSON.parse(await until(tab, `location.pathname == ${JSON.stringify(path)} && window.shown?.after && JSON.stringify(shown)`));
  if (process.env.DOORWARD_BROWSERS) assert.notEqual(shown.after, "Ada", JSON.stringify(shown));
  await until(tab, `${WHO} == 'signed_out'`);
  await server.close();
  return shown.persisted;
}

/** A page with the client goes into the back-forward cache: whether it came back from there. */
export async function eligible(engine, client) {
  const { server, tabs: [tab] } = await opened(engine, client, 1);
  await tab.front();
  await later(300);
  await tab.goto(`${server.origin}/next`);
  await until(tab, "window.ready && auth.get().status != 'unknown'");
  await tab.back();
  const shown = JSON.parse(await until(tab, "location.pathname == '/' && window.shown && JSON.stringify(shown)"));
  await server.close();
  return shown.persisted;
}

/** A page that is looked at sends nothing, and changes nothing of the platform. */
export async function quiet(engine, client, seconds) {
  const { server, tabs: [tab] } = await opened(engine, client, 1);
  await tab.front();
  assert.equal(await result(tab, signIn()), "accepted");
  await later(1500);
  server.log.length = 0;
  await later(seconds * 1000);
  const sent = [...server.log];
  const isWhole = await tab.eval("fetch === window.before && /native code/.test(String(fetch)) && /native code/.test(String(XMLHttpRequest))");
  await server.close();
  return { sent, isWhole };
}

/** The wall clock is set, hours to either side: the page asks, and stays what it is. */
export async function jumps(engine, client, all) {
  const { server, tabs: [tab] } = await opened(engine, client, 1);
  await tab.front();
  assert.equal(await result(tab, signIn()), "accepted");
  await tab.eval("void (window.real = Date.now)");
  for (const hours of all) {
    server.log.length = 0;
    await tab.eval(`void (Date.now = () => real() + ${hours} * 3600000)`);
    for (let left = 100; !server.count("GET /auth/session") && left; left--) await later(100);
    assert.ok(server.count("GET /auth/session") > 0, `a jump of ${hours} h is noticed`);
    await later(300);
    assert.equal(await tab.eval(WHO), "Ada");
  }
  await server.close();
}

/** Chromium freezes a hidden tab; what happened meanwhile is known a second after it thaws. */
export async function frozen(engine, client) {
  const { server, tabs: [tab, other] } = await opened(engine, client, 2);
  assert.equal(await result(tab, signIn()), "accepted");
  await until(tab, `${WHO} == 'Ada'`);
  await other.front();
  const session = await tab.page.createCDPSession();
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  for (const row of server.sessions.rows.values()) server.sessions.end(row, "ended");
  await later(500);
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await until(tab, `${WHO} == 'signed_out'`, 5);
  await server.close();
}

/** The whole browser stands still, as in a sleep; the tab that is looked at knows soon after. */
export async function asleep(engine, client, seconds) {
  const { server, tabs: [tab] } = await opened(engine, client, 1);
  await tab.front();
  assert.equal(await result(tab, signIn()), "accepted");
  await later(1000);
  const { pid } = engine.browser.process();
  process.kill(-pid, "SIGSTOP");
  try {
    for (const row of server.sessions.rows.values()) server.sessions.end(row, "ended");
    await later(seconds * 1000);
  } finally {
    process.kill(-pid, "SIGCONT");
  }
  await until(tab, `${WHO} == 'signed_out'`, 5);
  await server.close();
}

/** The page is on another site than the server, whose cookies do not come back: that has a name. */
export async function blocked(engine, client) {
  const server = await serve({ client });
  const origin = server.origin.replace("localhost", "127.0.0.1");
  server.cors = { "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Headers": "Content-Type" };
  const tab = await engine.open(`${origin}/?base=${encodeURIComponent(server.base)}`);
  await until(tab, "window.ready && auth.get().status == 'signed_out'");
  assert.equal(await result(tab, signIn()), "accepted");
  await until(tab, "seen.some(({ event }) => event == 'cookies_blocked')");
  assert.equal(await tab.eval(WHO), "signed_out");
  await server.close();
}
