/**
 * Signals to `exec` are meant for its command.
 *
 * The terminal sends SIGINT and SIGQUIT to everybody in the foreground, the command included: then they
 * are only kept from ending ztun. Sent from elsewhere they are passed on like the others.
 *
 * The command may have ended of a signal before ztun hears of it: Deno hands signals over from a thread
 * of its own, and does by default with one whose listener has gone in the meantime, which ends ztun. So
 * the listeners stay for as long as the process. When the command has ended, the first signal may still
 * be the command's, and asks for no more than the orderly end that is under way; the second asks for an
 * immediate one, as with `up`.
 */

const ALWAYS: readonly Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
const FROM_TERMINAL: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT"];

/** The part of the environment that signals need. */
export interface SignalSource {
  isTerminal(stream: "stdin"): boolean;
  addSignalListener(signal: Deno.Signal, listener: () => void): void;
}

/**
 * Passes signals on until the function that comes back is called, when the command has ended; what it
 * is given is called at the second signal from then on.
 */
export function forwardSignals(
  source: SignalSource,
  kill: (signal: Deno.Signal) => void,
): (endNow: () => void) => void {
  const terminal = source.isTerminal("stdin");
  let afterwards: (() => void) | undefined;
  for (const signal of [...ALWAYS, ...FROM_TERMINAL]) {
    const delivered = terminal && FROM_TERMINAL.includes(signal);
    source.addSignalListener(signal, () => {
      if (afterwards !== undefined) afterwards();
      else if (!delivered) kill(signal);
    });
  }
  return (endNow) => afterwards = atSecondCall(endNow);
}

function atSecondCall(act: () => void): () => void {
  let calls = 0;
  return () => {
    if (++calls === 2) act();
  };
}
