// One refresh for all tabs, as a courtesy: whoever waits longer than this for the others goes on without them. The server repeats
// itself while a generation settles, so a lock that is never released costs a wait and nobody's session.

const PATIENCE = 4_000;

export async function courteously(name: string, run: () => Promise<void>): Promise<void> {
  let begun: Promise<void> | undefined;
  const begin = () => (begun ??= run());
  try {
    await globalThis.navigator?.locks?.request(name, { signal: AbortSignal.timeout(PATIENCE) }, begin);
  } catch {
    // Not granted in time, or no locks for this page. What `run` itself failed with comes from the line below.
  }
  return begin();
}
