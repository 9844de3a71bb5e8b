import { assertEquals } from "@std/assert";
import { forwardSignals } from "../../../src/host/forward_signals.ts";

class FakeSignals {
  readonly listeners = new Map<Deno.Signal, () => void>();
  readonly #terminal: boolean;

  constructor(terminal: boolean) {
    this.#terminal = terminal;
  }

  isTerminal(): boolean {
    return this.#terminal;
  }

  addSignalListener(signal: Deno.Signal, listener: () => void): void {
    this.listeners.set(signal, listener);
  }

  removeSignalListener(signal: Deno.Signal, listener: () => void): void {
    if (this.listeners.get(signal) === listener) this.listeners.delete(signal);
  }
}

const ALL: Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT"];

function passedOn(terminal: boolean): Deno.Signal[] {
  const source = new FakeSignals(terminal);
  const killed: Deno.Signal[] = [];
  const stop = forwardSignals(source, (signal) => killed.push(signal));
  for (const signal of ALL) source.listeners.get(signal)!();
  stop();
  assertEquals(source.listeners.size, 0);
  return killed;
}

Deno.test("without a terminal every signal is passed on", () => {
  assertEquals(passedOn(false), ALL);
});

Deno.test("what the terminal sends to everybody is caught, and not sent twice", () => {
  assertEquals(passedOn(true), ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]);
});
