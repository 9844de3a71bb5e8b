/**
 * Signals to `exec` are meant for its command.
 *
 * The terminal sends SIGINT and SIGQUIT to everybody in the foreground, the command included: then they
 * are only kept from ending ztun. Sent from elsewhere they are passed on like the others.
 */

const ALWAYS: readonly Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
const FROM_TERMINAL: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT"];

/** The part of the environment that signals need. */
export interface SignalSource {
  isTerminal(stream: "stdin"): boolean;
  addSignalListener(signal: Deno.Signal, listener: () => void): void;
  removeSignalListener(signal: Deno.Signal, listener: () => void): void;
}

/** Passes signals on until the function that comes back is called. */
export function forwardSignals(
  source: SignalSource,
  kill: (signal: Deno.Signal) => void,
): () => void {
  const terminal = source.isTerminal("stdin");
  const listeners = [...ALWAYS, ...FROM_TERMINAL].map((signal) => {
    const delivered = terminal && FROM_TERMINAL.includes(signal);
    const listener = delivered ? () => {} : () => kill(signal);
    source.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) source.removeSignalListener(signal, listener);
  };
}
