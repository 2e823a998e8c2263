// Three engines behind one face: `open(url)` gives a tab, `show(url)` one that is looked at, with `goto`, `back`, `front` and `eval` (an expression, synchronous).
import puppeteer from "puppeteer-core";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "./found.mjs";
import { launchWebKit } from "./webdriver.mjs";

const CHROMIUM = `--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run
  --disable-background-networking --disable-component-update --disable-sync`.split(/\s+/);

const launch = async (name, options) => {
  const folder = mkdtempSync(join(tmpdir(), `doorward-${name}-`));
  const browser = await puppeteer.launch({ headless: true, userDataDir: folder, timeout: 120_000, protocolTimeout: 120_000, ...options });
  const engine = {
    name,
    browser,
    async show(url) {
      const tab = await engine.open(url);
      await tab.front();
      return tab;
    },
    async open(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return {
        page,
        goto: (url) => page.goto(url),
        // A page that comes back from the cache never loads, so nothing is waited for here.
        back: () => page.evaluate(() => void setTimeout(() => history.back())),
        front: () => page.bringToFront(),
        eval: (code) => page.evaluate(code),
      };
    },
    async close() {
      await browser.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return engine;
};

export const ENGINES = {
  chromium: () =>
    launch("chromium", { executablePath: program("chromium"), args: CHROMIUM, ignoreDefaultArgs: ["--disable-back-forward-cache"] }),
  firefox: () => launch("firefox", { browser: "firefox", executablePath: program("firefox-esr") }),
  webkit: launchWebKit,
};

const later = (ms) => new Promise((done) => setTimeout(done, ms));

/** Until an expression in a tab is true; gives it. */
export async function until(tab, code, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; ; ) {
    // Between two pages there is nobody to ask.
    const value = await tab.eval(code).catch(() => undefined);
    if (value) return value;
    if (Date.now() > end) {
      const seen = await tab.eval("JSON.stringify([location.href, window.seen, window.errors])").catch(String);
      throw new Error(`not so after ${seconds} s: ${code}; ${seen}`);
    }
    await later(30);
  }
}

/** What a promise in a tab gives: begun there, and asked for until it is done. */
export async function result(tab, code, seconds = 30) {
  const name = `r${Math.random().toString(36).slice(2)}`;
  await tab.eval(`void Promise.resolve(${code}).then((value) => (window.${name} = { value }), (error) => (window.${name} = { error: String(error) }))`);
  const { value, error } = JSON.parse(await until(tab, `window.${name} && JSON.stringify(window.${name})`, seconds));
  if (error) throw new Error(`${code}: ${error}`);
  return value;
}

export { later };
