// Keeps this tab on the truth: who is signed in, whoever changed it and wherever.
//
// The server renders every page with the sign-in it saw (data-session on <html>). This module asks /session.json again
// and again, and when another sign-in is there, or none, it takes the same page afresh from the server. So the server
// stays the only one that renders, forms work without this module, and nothing secret is ever in reach of a script: the
// tokens are in HttpOnly cookies, and the JSON has the public attributes only.

const EVERY = 1500; // milliseconds between looks: how late an ending elsewhere may be seen
const SOON = 100; // after a word from another tab of this origin

const root = document.documentElement;
const words = new BroadcastChannel("doorward-session");
let timer;

function lookIn(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(look, milliseconds);
}

async function look() {
  try {
    const reply = await fetch("/session.json", { cache: "no-store" });
    // Anything but 200 is a server that cannot say: never a sign-out.
    if (reply.ok) await follow(await reply.json());
  } catch {
    // No server: ask again.
  }
  lookIn(EVERY);
}

async function follow(now) {
  const session = now.session?.id ?? "";
  if (session !== root.dataset.session) {
    const before = root.dataset.session;
    await redraw();
    words.postMessage(session);
    announce(before, now);
  }
  show(now);
}

// Takes this page from the server again and puts its parts in place: no reload, and the tab's history stays.
async function redraw() {
  const reply = await fetch(location.pathname, { cache: "no-store" });
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
  const hadFocus = document.getElementById("main").contains(document.activeElement);
  for (const id of ["top", "main"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  document.title = fresh.title;
  root.dataset.session = fresh.documentElement.dataset.session;
  if (reply.redirected) history.replaceState(null, "", reply.url);
  if (hadFocus) document.getElementById("main").focus();
}

// Says it in the live region, so that it is also heard.
function announce(before, now) {
  const live = document.getElementById("live");
  if (now.signed_in) live.textContent = `Signed in as ${now.user.attributes.name}`;
  else if (before) live.textContent = "You have been signed out";
  setTimeout(() => (live.textContent = ""), 6000);
}

// The client's own view of the session: text only, never markup.
function show(now) {
  for (const place of document.querySelectorAll("[data-user=name]")) place.textContent = now.user?.attributes.name ?? "";
  const facts = now.signed_in
    ? { State: "signed in", Name: now.user.attributes.name, User: now.user.id, Session: now.session.id }
    : { State: "signed out" };
  const list = document.getElementById("client");
  const terms = Object.entries({ ...facts, Asked: new Date().toLocaleTimeString() });
  list?.replaceChildren(
    ...terms.flatMap(([term, value]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = term;
      dd.textContent = value;
      return [dt, dd];
    }),
  );
}

// This page was rendered with a sign-in: other tabs of this origin need not wait for their next look.
words.postMessage(root.dataset.session);
words.onmessage = ({ data }) => {
  if (data !== root.dataset.session) lookIn(SOON);
};
document.addEventListener("visibilitychange", () => document.hidden || lookIn(0));
lookIn(0);
