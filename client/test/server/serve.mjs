// A small server of the surface, for tests: it plays the contract of docs and core, and does as it is told when it shall fail.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { Sessions } from "./sessions.mjs";
import { Steps } from "./steps.mjs";
import { page } from "./pages.mjs";

const STATUS = { refused: 401, signed_out: 401, proof_required: 401, not_found: 404, policy_violation: 422, throttled: 429, conflict: 409 };

export function problem(code, more = {}) {
  const status = STATUS[code] ?? 503;
  const type = `https://doorward.example/problems/${code}`;
  return { status, type: "application/problem+json", body: { ...more, type, title: code, status, code } };
}

const open = new Set();

/** Closes what tests that failed have left open: a server keeps its process alive. */
export const closeAll = () => Promise.all([...open].map((server) => server.close()));

/** @param {{ client?: URL | string, rule?: string, accessTtl?: number, idleTtl?: number, host?: string }} options */
export async function serve({ client, host = "localhost", ...rules } = {}) {
  const sessions = new Sessions(rules);
  const steps = new Steps(problem, sessions.now);
  const script = client ? readFileSync(client) : "";
  const server = {
    sessions,
    steps,
    /** Every request to the surface and to the application: "POST /auth/refresh". */
    log: [],
    /** Milliseconds before a request is looked at, and before its answer is sent. */
    delay: () => 0,
    after: () => 0,
    /** "503", "html", "hang", "cut": instead of an answer of the surface and the application. */
    trouble: null,
    count: (line) => server.log.filter((one) => one == line).length,
  };

  const surface = {
    "GET session": ({ cookies }) => {
      const seen = sessions.validate(cookies.access, false);
      return { body: seen.row && !seen.refreshable ? sessions.snapshot(seen.row, cookies.isApp) : sessions.state(seen) };
    },
    "POST refresh": ({ cookies, body }) => {
      const { row, reason } = sessions.refresh(cookies.isApp ? body.refresh_token : cookies.refresh);
      if (!row) return problem("signed_out", { reason, refreshable: false });
      return { body: sessions.snapshot(row, cookies.isApp), cookies: row };
    },
    "GET config": () => ({ body: { methods: [], features: { sign_up: true } } }),
    "POST sign-in": ({ body, rpId, cookies }) => done(steps.begin("sign_in", body, rpId), cookies),
    "POST sign-up": ({ body, cookies }) => {
      if ((body.fields?.password ?? "").length < 15) {
        return problem("policy_violation", { violations: [{ field: "password", rule: "too_short", limit: 15 }] });
      }
      return done({ user: steps.add(body.identifier, body.attributes?.name ?? "New"), factors: [body.provider], purpose: "sign_up" }, cookies);
    },
    "POST continue": ({ body, cookies }) => done(steps.next(body), cookies),
    "POST step-up": ({ body, cookies, rpId }) => {
      const { row } = sessions.validate(cookies.access);
      if (!row) return problem("signed_out", { reason: "no_token", refreshable: false });
      return done(steps.begin("step_up", body, rpId, row.user), cookies);
    },
    "POST sign-out": ({ body, cookies }) => {
      const { row } = sessions.validate(cookies.access);
      const ended = !row ? [] : body.where == "here" || !body.where ? [row] : sessions.of(row.user);
      const ending = body.where == "others" ? ended.filter((one) => one != row) : ended;
      for (const one of ending) sessions.end(one);
      if (body.where == "others") return { body: { ...sessions.snapshot(row), ended: ending.length } };
      const now = sessions.state({}).now;
      return { body: { status: "signed_out", now, ended: ending.length }, cookies: null, headers: { "Clear-Site-Data": '"cache"' } };
    },
    "GET sessions": ({ row }) => ({ body: { sessions: sessions.of(row.user).map(({ id }) => ({ id, current: id == row.id, name: "Test" })) } }),
    "GET methods": ({ row, rpId }) => ({
      body: {
        identities: [{ provider: "email", identifier: row.user.identifier }],
        authenticators: steps.passkeys
          .filter((one) => one.user == row.user)
          .map(({ key, id }) => ({ id: key, provider: "passkey", kind: "passkey", description: { credential_id: id, user_handle: row.user.handle, rp_id: rpId } })),
        methods: [],
      },
    }),
    "POST methods/enroll": ({ row, rpId }) => steps.enroll(row.user, rpId),
    "PATCH user": ({ row, body }) => ({ body: { user: Object.assign(row.user, { attributes: { ...row.user.attributes, ...body.attributes } }) } }),
  };
  const api = {
    "GET /api/me": ({ row }) => ({ body: { user: row.user.identifier } }),
    "POST /api/echo": ({ row, text }) => ({ body: { user: row.user.identifier, text } }),
    "POST /api/close": ({ row }) => (sessions.now() - row.authenticated > 600_000 ? problem("proof_required", { max_age: 600 }) : { body: { closed: true } }),
    "GET /api/foreign": () => ({ status: 401, body: { code: "signed_out", refreshable: true } }),
  };

  function done(step, cookies) {
    if (!step.factors) return step.purpose ? { body: { outcome: "accepted", purpose: step.purpose } } : step;
    const old = step.purpose == "step_up" && sessions.validate(cookies.access).row;
    const row = sessions.create(step.user, step.factors);
    if (old) sessions.end(old, "superseded");
    const body = { outcome: "accepted", purpose: step.purpose, session: sessions.snapshot(row, cookies?.isApp) };
    return { body, cookies: row };
  }

  async function answer(request, text) {
    const url = new URL(request.url, `http://${request.headers.host}`);
    const cookies = Object.fromEntries((request.headers.cookie ?? "").split(/; */).map((pair) => pair.replace(/^dw-/, "").split("=")));
    cookies.isApp = request.headers["doorward-client"] == "app";
    cookies.access = request.headers.authorization?.replace("Bearer ", "") ?? cookies.access;
    const path = url.pathname.replace(/^\/auth\//, "");
    const given = { cookies, text, rpId: url.hostname, body: text && request.headers["content-type"]?.includes("json") ? JSON.parse(text) : {} };
    const ask = surface[`${request.method} ${path}`];
    if (ask && url.pathname.startsWith("/auth/")) {
      const isTheirs = /sessions|methods|user/.test(path);
      const seen = isTheirs ? sessions.validate(cookies.access) : {};
      if (isTheirs && (!seen.row || seen.refreshable)) return problem("signed_out", { reason: seen.reason ?? "expired_refreshable", refreshable: Boolean(seen.refreshable) });
      return ask({ ...given, row: seen.row });
    }
    if (request.method == "DELETE" && path.startsWith("authenticators/")) {
      steps.passkeys = steps.passkeys.filter(({ key }) => key != path.split("/")[2]);
      return { status: 204 };
    }
    const call = api[`${request.method} ${url.pathname}`];
    if (!call) return problem("not_found");
    const seen = sessions.validate(cookies.access);
    if (!seen.row || seen.refreshable) return problem("signed_out", { reason: seen.reason ?? "expired_refreshable", refreshable: Boolean(seen.refreshable) });
    return call({ ...given, row: seen.row });
  }

  const listener = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url, "http://localhost");
    if (url.pathname == "/client.js") return response.writeHead(200, { "Content-Type": "text/javascript", "Cache-Control": "max-age=600" }).end(script);
    if (url.pathname == "/favicon.ico") return response.writeHead(204).end();
    if (!/^\/(auth|api)\//.test(url.pathname)) {
      const head = { "Content-Type": "text/html; charset=utf-8", ...(url.pathname.includes("no-store") && { "Cache-Control": "no-store" }) };
      return response.writeHead(200, head).end(server.page?.(url) ?? page(url));
    }
    if (server.cors) for (const [name, value] of Object.entries(server.cors)) response.setHeader(name, value);
    if (request.method == "OPTIONS") return response.writeHead(204).end();
    const line = `${request.method} ${url.pathname}`;
    server.log.push(line);
    await sleep(server.delay(line));
    if (server.trouble == "503") return response.writeHead(503, { "Retry-After": "1" }).end("down");
    if (server.trouble == "html") return response.writeHead(200, { "Content-Type": "text/html" }).end("<h1>Welcome to the hotel</h1>");
    if (server.trouble == "cut") return request.socket.destroy();
    if (server.trouble == "hang") return;
    const said = await answer(request, Buffer.concat(chunks).toString());
    // The answer is decided, and takes its time to arrive.
    await sleep(server.after(line));
    const flags = "Path=/; HttpOnly; SameSite=Lax";
    const isApp = request.headers["doorward-client"] == "app";
    const set = said.cookies === null ? ["dw-access=; Max-Age=0; " + flags, "dw-refresh=; Max-Age=0; " + flags]
      : said.cookies ? [`dw-access=${said.cookies.access}; ${flags}`, `dw-refresh=${said.cookies.refresh}; ${flags}`] : [];
    for (const [name, value] of Object.entries(said.headers ?? {})) response.setHeader(name, value);
    if (isApp) response.setHeader("Doorward-Device", "dwd_device");
    else if (set.length) response.setHeader("Set-Cookie", set);
    response.writeHead(said.status ?? 200, { "Content-Type": said.type ?? "application/json", "Cache-Control": "no-store" });
    response.end(said.body && JSON.stringify(said.body));
  });
  await new Promise((ready) => listener.listen(0, "127.0.0.1", ready));
  server.origin = `http://${host}:${listener.address().port}`;
  server.base = server.origin + "/auth";
  open.add(server);
  server.close = () => {
    open.delete(server);
    listener.closeAllConnections();
    return new Promise((gone) => listener.close(gone));
  };
  return server;
}

// Taken before any test takes it away.
const later = setTimeout;
export const sleep = (ms) => (ms ? new Promise((done) => later(done, ms)) : undefined);
