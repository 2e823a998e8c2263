// When this tab asks: when somebody looks at it. Timers run in visible tabs only, and a beat that finds nothing asks nothing.

import type { Known } from "./known.js";
import type { Session } from "./session.js";

/** What was heard less than this ago is not asked again. */
const FRESH = 5_000;
const BEAT = 5_000;
const STILL = 30_000;
const LONGEST_PAUSE = 60_000;

export function lookedAt(known: Known, session: Session): () => void {
  const { channel } = session;
  const isHidden = () => document.visibilityState == "hidden";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  let beaten = 0;

  const look = () => {
    beat();
    if (isHidden()) return;
    if (known.clock.hasJumped()) void session.checkAnew();
    else if (known.snapshot.stale || known.clock.age() > FRESH) void session.check();
  };
  // All tabs hear of the network at once: the first to ask tells the others.
  const soon = () => setTimeout(look, Math.random() * 300);
  const wake = () => {
    channel.open();
    void session.checkAnew();
  };

  const beat = () => {
    clearTimeout(timer);
    beaten = performance.now();
    if (!isHidden()) timer = setTimeout(onBeat, BEAT * (0.8 + 0.4 * Math.random()));
  };
  const onBeat = () => {
    // The page stood still, whatever the clocks say of it.
    const slept = performance.now() - beaten > STILL;
    beat();
    const { snapshot, clock, failures, pause } = known;
    const wait = Math.max(Math.min(BEAT * 2 ** failures, LONGEST_PAUSE), pause * 1000);
    const isOver = clock.isPast(snapshot.session?.idle_expires_at) || clock.isPast(snapshot.session?.absolute_expires_at);
    if (slept || clock.hasJumped()) void session.checkAnew();
    else if ((snapshot.stale || isOver) && performance.now() - asked > wait) {
      asked = performance.now();
      // Nobody did anything: what the server counts as use is not sent.
      void session.check(false);
    }
  };

  const gone = new AbortController();
  const on = (target: EventTarget, name: string, listener: (event: any) => void) =>
    target.addEventListener(name, listener, { signal: gone.signal });
  on(document, "visibilitychange", look);
  on(document, "resume", wake);
  on(window, "focus", look);
  on(window, "online", soon);
  // An open channel would keep this page out of the back-forward cache, and what it is told there comes too late.
  on(window, "pagehide", channel.close);
  on(window, "pageshow", (event) => event.persisted && wake());

  channel.open();
  beat();
  void session.check();
  return () => {
    gone.abort();
    clearTimeout(timer);
    channel.close();
  };
}
