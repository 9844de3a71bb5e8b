/** Waiting for what another process brings about, with a deadline and a name for what did not come. */

const PAUSE_MS = 10;

/** Asks until the answer is there; throws, naming `what` and the last failure, when the time is over. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let failure: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  } while (performance.now() < deadline);
  throw new Error(`Not within ${withinMs} ms: ${what}`, { cause: failure });
}
