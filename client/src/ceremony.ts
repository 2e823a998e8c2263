// A browser has room for one WebAuthn request. A button takes the place of an autofill that waits, and waits for its end first.

let running: { stop(): void; ended: Promise<unknown> } | null = null;

/** Runs alone. `stop` is called when somebody else wants the place. */
export async function alone<T>(stop: () => void, run: () => Promise<T>): Promise<T> {
  while (running) {
    running.stop();
    await running.ended;
  }
  const ended = run();
  const mine = (running = { stop, ended: ended.catch(() => {}) });
  try {
    return await ended;
  } finally {
    if (running == mine) running = null;
  }
}

/** Until the place is free, without asking anybody to leave. */
export async function whenFree(): Promise<void> {
  while (running) await running.ended;
}
