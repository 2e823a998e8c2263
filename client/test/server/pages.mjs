// The pages that browsers load. What a test takes from a browser (locks, channels) it takes before the client begins.

const WITHOUT = {
  locks: "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });",
  channel: "delete globalThis.BroadcastChannel;",
};

const WATCH = `
  window.seen = [];
  window.errors = [];
  window.before = window.fetch;
  addEventListener("pageshow", ({ persisted }) => {
    const shown = (window.shown = { persisted });
    setTimeout(() => (shown.after = document.getElementById("who").textContent), 200);
  });
  addEventListener("error", (event) => errors.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
`;

export function page(url) {
  const without = (url.searchParams.get("without") ?? "").split(",").map((name) => WITHOUT[name] ?? "").join("");
  const base = url.searchParams.get("base") ?? "/auth";
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${url.pathname}</title>
<p id="who">unknown</p><input id="name" autocomplete="username webauthn"><button id="go">Sign in</button>
<script>${WATCH}${without}</script>
<script type="module">
  import { createClient } from "/client.js";
  const auth = (window.auth = createClient({ base: ${JSON.stringify(base)} }));
  const draw = () => {
    const { status, user, stale } = auth.get();
    document.getElementById("who").textContent = status == "signed_in" ? user.attributes.name : status;
    seen.push({ at: Date.now(), status, user: user?.attributes.name, stale });
  };
  auth.subscribe(draw);
  for (const name of ["signed_in", "signed_out", "user_changed", "cookies_blocked"]) auth.on(name, () => seen.push({ event: name }));
  draw();
  window.ready = true;
</script></html>`;
}
