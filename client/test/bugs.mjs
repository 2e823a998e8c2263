// The rules of the client, each with the bug that breaks it and the test that has to see it: [file, part of the test's name],
// and [file of src, text, what stands there instead].
export const BUGS = [
  {
    rule: "a server in trouble never signs out",
    seen: ["snapshot", "what is not there is no sign-out"],
    plant: [["known", "{ ...this.snapshot, stale: true }", "{ ...snapshotOf(null), status: \"signed_out\", stale: true }"]],
  },
  {
    rule: "a page of a portal is no answer",
    seen: ["snapshot", "what is not there is no sign-out"],
    plant: [["answer", "return { ...problem, outcome: \"unavailable\", retry_after: wait };", "return { ...problem, outcome: \"signed_out\", status: \"signed_out\", now: new Date().toISOString() };"]],
  },
  {
    rule: "a redirect is followed nowhere",
    seen: ["snapshot", "a redirect is followed nowhere"],
    plant: [["transport", "redirect: \"error\"", "redirect: \"follow\""]],
  },
  {
    rule: "an equal snapshot is the same object",
    seen: ["snapshot", "an equal snapshot is the same object"],
    plant: [["known", "if (JSON.stringify(next) == JSON.stringify(before)) return;", ""]],
  },
  {
    rule: "a use draws nothing again",
    seen: ["snapshot", "an equal snapshot is the same object"],
    plant: [["known", "if (JSON.stringify(next, still) == JSON.stringify(before, still)) return;", ""]],
  },
  {
    rule: "the server's snapshot is the first",
    seen: ["snapshot", "the server's snapshot is the first"],
    plant: [["core", "getServer: () => known.initial", "getServer: () => known.snapshot"]],
  },
  {
    rule: "an overtaken answer is not believed",
    seen: ["snapshot", "set out before a sign-in"],
    plant: [["known", "if (since != this.news && (", "if (false && ("]],
  },
  {
    rule: "blocked cookies have a name",
    seen: ["snapshot", "cookies that do not come back"],
    plant: [["core", "void session.prove();", ""]],
  },
  {
    rule: "another user has a name",
    seen: ["snapshot", "events have a name"],
    plant: [["known", "if (wasIn && isIn && before.user?.id != next.user?.id)", "if (false)"]],
  },
  {
    rule: "a listener's mistake is its own",
    seen: ["snapshot", "events have a name"],
    plant: [["listeners", "console.error(error);", "throw error;"]],
  },
  {
    rule: "requests at expiry share one refresh",
    seen: ["fetch", "renewed once, and every request"],
    plant: [["session", "return (this.#refreshing ??= courteously(", "return (this.#refreshing = courteously("]],
  },
  {
    rule: "what is known to be over is not sent",
    seen: ["fetch", "known to be over is renewed before"],
    plant: [["fetch", "if (isIn() && known.clock.isPast(known.accessEnd)) await session.refresh();", ""]],
  },
  {
    rule: "a wrong clock changes nothing",
    seen: ["fetch", "a clock that is wrong all the time"],
    plant: [["clock", "return this.#server ? this.#server + this.age() : Date.now();", "return Date.now();"]],
  },
  {
    rule: "a 401 is renewed only if it is our problem",
    seen: ["fetch", "a 401 of somebody else"],
    plant: [["fetch", "const problem = await problemIn(response);", "const problem: any = { outcome: \"signed_out\", refreshable: true };"]],
  },
  {
    rule: "only our origin",
    seen: ["fetch", "of other origins nothing is renewed"],
    plant: [["fetch", "if (address.origin != base.origin) return transport.raw(input, init);", ""], ["fetch", "(response.url && new URL(response.url).origin != base.origin)", "false"]],
  },
  {
    rule: "only a body that can be sent twice",
    seen: ["fetch", "a body that is read while it is sent"],
    plant: [["fetch", "const isOnce = init?.body instanceof ReadableStream;", "const isOnce = false;"]],
  },
  {
    rule: "a request's body is kept",
    seen: ["fetch", "what can be sent twice"],
    plant: [["fetch", "isRequest && !isOnce ? input.clone() : input", "input"]],
  },
  {
    rule: "only once",
    seen: ["fetch", "sent again once, whatever"],
    plant: [["fetch", "return send(input, init);\n  };", "return again(input, init);\n  };\n  return again;"], ["fetch", "return async (input, init) => {", "const again: typeof fetch = async (input, init) => {"]],
  },
  {
    rule: "only for the person who sent it",
    seen: ["fetch", "what one person began"],
    plant: [["fetch", "!snapshot.user || snapshot.user.id == known.snapshot.user?.id", "true"]],
  },
  {
    rule: "an end elsewhere is noticed",
    seen: ["fetch", "ended elsewhere is noticed"],
    plant: [["fetch", "if (isIn()) void session.check();", ""]],
  },
  {
    rule: "window.fetch is left alone",
    seen: ["fetch", "nothing of the platform is changed"],
    plant: [["core", "const session = new Session(known, transport);", "const session = new Session(known, transport);\n  globalThis.fetch = fetchOf(known, session, transport);"]],
  },
  {
    rule: "a lock that is never released costs four seconds",
    seen: ["refresh", "a lock that is never released"],
    plant: [["lock", "AbortSignal.timeout(PATIENCE)", "AbortSignal.timeout(PATIENCE * 1.6)"]],
  },
  {
    rule: "no locks, no harm",
    seen: ["refresh", "where a page may have no locks"],
    plant: [["lock", "} catch {", "} catch (error) {\n    throw error;"]],
  },
  {
    rule: "a lock is asked for",
    seen: ["refresh", "a lock is asked for"],
    plant: [["lock", "await globalThis.navigator?.locks?.request(name, { signal: AbortSignal.timeout(PATIENCE) }, begin);", ""]],
  },
  {
    rule: "who comes second does not refresh",
    seen: ["refresh", "after another tab has refreshed"],
    plant: [["session", "if (accessEnd != known.accessEnd && !known.clock.isPast(known.accessEnd)) return;", ""]],
  },
  {
    rule: "a refused refresh is believed when it is confirmed",
    seen: ["refresh", "a refresh that is refused signs out"],
    plant: [["session", "if (refused && wire.status != \"signed_in\") wire =", "if (refused) wire ="]],
  },
  {
    rule: "a contradiction does not go round",
    seen: ["refresh", "a server that says both"],
    plant: [["session", "if (!refused && (mayRefresh || known.snapshot.status != \"signed_in\")) return this.refresh();", "return this.refresh();"], ["session", "return (this.#refreshing ??= courteously(", "return (this.#refreshing = courteously("]],
  },
  {
    rule: "tabs are told of every change",
    seen: ["tabs", "a sign-in, another user and a sign-out"],
    plant: [["session", "this.channel.tell(wire);", ""]],
  },
  {
    rule: "who hears does not ask",
    seen: ["tabs", "a sign-in, another user and a sign-out"],
    plant: [["session", "|| !known.take(word, -1, true)) void", "|| known.take(word, -1, true) || true) void"]],
  },
  {
    rule: "old news is not believed",
    seen: ["tabs", "a tab that hears old news"],
    plant: [["known", "Date.parse(wire.now) < this.#newest", "false"]],
  },
  {
    rule: "a channel is closed while the page is away",
    seen: ["tabs", "the channel is closed"],
    plant: [["looks", "on(window, \"pagehide\", channel.close);", ""]],
  },
  {
    rule: "and opened again",
    seen: ["tabs", "the channel is closed"],
    plant: [["looks", "    channel.open();\n    void session.checkAnew();", "    void session.checkAnew();"]],
  },
  {
    rule: "a page that comes back asks anew",
    seen: ["tabs", "a page that comes back does not wait"],
    plant: [["session", "this.#checking = undefined;\n    return this.check();", "return this.check();"]],
  },
  {
    rule: "nothing readable in storage",
    seen: ["tabs", "without a BroadcastChannel"],
    plant: [["channel", "String(Math.random())", "JSON.stringify(message)"]],
  },
  {
    rule: "storage only where there is no channel",
    seen: ["tabs", "localStorage is left alone"],
    plant: [["channel", "if (channel) channel.postMessage(message);\n        else if", "if (channel) channel.postMessage(message);\n        localStorage.setItem(name, \"1\");\n        if"]],
  },
  {
    rule: "no polling",
    seen: ["looks", "asks nothing for an hour"],
    plant: [["looks", "if (slept || clock.hasJumped()) void session.checkAnew();\n    else if", "void session.check();\n    if"]],
  },
  {
    rule: "what is fresh is not asked again",
    seen: ["looks", "after five seconds"],
    plant: [["looks", "known.clock.age() > FRESH", "true"]],
  },
  {
    rule: "who looks again has it asked",
    seen: ["looks", "after five seconds"],
    plant: [["looks", "on(window, \"focus\", look);", ""]],
  },
  {
    rule: "a hidden page does nothing",
    seen: ["looks", "a hidden page does nothing"],
    plant: [["looks", "if (!isHidden()) timer =", "timer ="]],
  },
  {
    rule: "stale asks again, less and less often",
    seen: ["looks", "less and less often"],
    plant: [["looks", "Math.min(BEAT * 2 ** failures, LONGEST_PAUSE)", "0"]],
  },
  {
    rule: "a timer sends no use",
    seen: ["looks", "less and less often"],
    plant: [["looks", "void session.check(false);", "void session.check();"]],
  },
  {
    rule: "the end of a session is seen",
    seen: ["looks", "the end of a session is seen"],
    plant: [["looks", "(snapshot.stale || isOver)", "snapshot.stale"]],
  },
  {
    rule: "a jump of the clock has it asked",
    seen: ["looks", "a jump of the clock"],
    plant: [["clock", "> JUMP", "> Infinity"]],
  },
  {
    rule: "a page that stood still asks",
    seen: ["looks", "a page that stood still"],
    plant: [["looks", "slept || ", ""]],
  },
  {
    rule: "a frozen page asks at once",
    seen: ["looks", "a page that was frozen"],
    plant: [["looks", "on(document, \"resume\", wake);", ""]],
  },
  {
    rule: "no unload listener",
    seen: ["looks", "no listener keeps a page out"],
    plant: [["looks", "on(document, \"resume\", wake);", "on(document, \"resume\", wake);\n  on(window, \"beforeunload\", channel.close);"]],
  },
  {
    rule: "closed is closed",
    seen: ["looks", "a client that is closed"],
    plant: [["looks", "gone.abort();", ""]],
  },
  {
    rule: "persistent holds for the chain",
    seen: ["steps", "holds for the whole chain"],
    plant: [["step", "provider, fields, ...rest })", "provider, fields })"]],
  },
  {
    rule: "repeated once, and only after a proof",
    seen: ["steps", "asks for a proof of now"],
    plant: [["fresh", "return proof && (await onStepUp?.(proof as object)) ? operation() : result;", "return proof ? (await onStepUp?.(proof as object), operation()) : result;"]],
  },
  {
    rule: "an app says that it is one",
    seen: ["app", "an app keeps its tokens itself"],
    plant: [["transport", "credentials: this.store ? \"omit\" : \"include\"", "credentials: \"include\""]],
  },
  {
    rule: "a token goes to our origin only",
    seen: ["app", "a token goes to our origin only"],
    plant: [["fetch", "if (address.origin != base.origin) return transport.raw(input, init);", ""]],
  },
  {
    rule: "an old refusal takes no new token",
    seen: ["app", "one of a new sign-in stays"],
    plant: [["tokens", "path != \"refresh\" || sent.refresh == held.refresh", "true"]],
  },
  {
    rule: "an unknown access token is renewed",
    seen: ["app", "does not know any more"],
    plant: [["session", "(wire.status == \"signed_out\" && (await this.#transport.hasRefresh()))", "false"]],
  },
  {
    rule: "a server never refreshes",
    seen: ["server", "never refreshes"],
    plant: [["server", "const body: unknown = response.ok ? await response.json() : null;", "const body: any = response.ok ? await response.json() : null;\n    if (body.status == \"refreshable\") await fetch(place.url + \"/refresh\", { method: \"POST\", headers: { Cookie: cookie! } });"]],
  },
  {
    rule: "one bounce",
    seen: ["server", "one bounce refreshes"],
    plant: [["server", "const isSecond = RegExp", "const isSecond = false && RegExp"]],
  },
  {
    rule: "no bounce for a prefetch",
    seen: ["server", "only a person on the way"],
    plant: [["server", "!headers.has(\"sec-purpose\") && ", ""]],
  },
  {
    rule: "a path of our own",
    seen: ["server", "a return address is a path"],
    plant: [["server", "pathname.replace(/^\\/+/, \"/\")", "pathname"]],
  },
  {
    rule: "one WebAuthn request at a time",
    seen: ["passkey", "a button takes the place"],
    plant: [["ceremony", "    running.stop();\n    await running.ended;", "    running.stop();\n    break;"]],
  },
  {
    rule: "the autofill comes back",
    seen: ["passkey", "a button takes the place"],
    plant: [["passkey", "if (!turn.signal.aborted) return cancelled(error);", "return cancelled(error);"]],
  },
  {
    rule: "a ceremony ends with the server's answer",
    seen: ["passkey", "the autofill does not come back"],
    plant: [["ceremony", "await running.ended;\n}", "await Promise.race([running.ended, new Promise((done) => setTimeout(done, 50))]), (running = null);\n}"]],
  },
  {
    rule: "the autofill ends with a sign-in",
    seen: ["passkey", "the autofill ends"],
    plant: [["passkey", "core.on(\"signed_in\", stop)", "core.on(\"user_changed\", stop)"]],
  },
  {
    rule: "an old question is renewed",
    seen: ["passkey", "an autofill asks anew"],
    plant: [["passkey", "setTimeout(() => whenVisible(stop),", "setTimeout(() => {},"]],
  },
  {
    rule: "an old question hides no passkey",
    seen: ["passkey", "a refused passkey is hidden"],
    plant: [["passkey", "&& isInTime &&", "&&"]],
  },
  {
    rule: "a passkey that is not named is not hidden",
    seen: ["passkey", "whose name is not told"],
    plant: [["signals", "if (ids.every(Boolean)) signal(", "signal("]],
  },
];
