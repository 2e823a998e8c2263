// WebKitGTK by W3C WebDriver: tabs of one window, one command at a time, each with a time limit of its own.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { globSync } from "./found.mjs";

const LIMIT = 60_000;

export async function launchWebKit() {
  const started = [];
  const display = `:${90 + (process.pid % 400)}`;
  started.push(spawn("Xvfb", [display, "-screen", "0", "1280x900x24", "-nolisten", "tcp"], { stdio: "ignore" }));
  const port = await freePort();
  started.push(spawn("WebKitWebDriver", [`--port=${port}`], { stdio: "ignore", env: { ...process.env, DISPLAY: display } }));
  const at = `http://127.0.0.1:${port}`;
  const ask = async (method, path, body) => {
    const response = await fetch(at + path, { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(LIMIT) });
    const { value } = await response.json();
    if (value?.error) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  };
  for (let left = 100; ; left--) {
    const ready = await ask("GET", "/status").catch(() => null);
    if (ready) break;
    if (!left) throw new Error("WebKitWebDriver does not answer");
    await new Promise((done) => setTimeout(done, 100));
  }
  const browser = globSync("/usr/lib/*/webkit2gtk-4.1", "MiniBrowser");
  const options = { "webkitgtk:browserOptions": { binary: browser, args: ["--automation"] }, browserName: "MiniBrowser" };
  const { sessionId } = await ask("POST", "/session", { capabilities: { alwaysMatch: options } });
  const session = `/session/${sessionId}`;
  let turn = Promise.resolve();
  const inTurn = (run) => {
    const done = turn.then(run);
    turn = done.catch(() => {});
    return done;
  };
  let unused = await ask("GET", `${session}/window`);
  // A tab of the window is hidden behind the others; a window of its own is looked at.
  const tab = async (url, type = "tab") => {
    const handle = unused ?? (await inTurn(() => ask("POST", `${session}/window/new`, { type }))).handle;
    unused = null;
    const here = (run) => inTurn(async () => (await ask("POST", `${session}/window`, { handle }), run()));
    const made = {
      goto: (url) => here(() => ask("POST", `${session}/url`, { url })),
      back: () => here(() => ask("POST", `${session}/back`, {})),
      front: () => here(() => {}),
      eval: (code) => here(() => ask("POST", `${session}/execute/sync`, { script: `return (${code});`, args: [] })),
    };
    await made.goto(url);
    return made;
  };
  return {
    name: "webkit",
    open: (url) => tab(url),
    show: (url) => tab(url, "window"),
    async close() {
      await ask("DELETE", session).catch(() => {});
      for (const one of started.reverse()) one.kill();
    },
  };
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
