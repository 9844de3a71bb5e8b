import { assertEquals } from "@std/assert";
import { forwardSignals } from "../../../src/host/forward_signals.ts";

const ALL: Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT"];

class FakeSignals {
  readonly #listeners = new Map<Deno.Signal, () => void>();
  readonly #terminal: boolean;

  constructor(terminal: boolean) {
    this.#terminal = terminal;
  }

  isTerminal(): boolean {
    return this.#terminal;
  }

  addSignalListener(signal: Deno.Signal, listener: () => void): void {
    this.#listeners.set(signal, listener);
  }

  send(signal: Deno.Signal): void {
    this.#listeners.get(signal)!();
  }
}

function passedOn(terminal: boolean): Deno.Signal[] {
  const source = new FakeSignals(terminal);
  const killed: Deno.Signal[] = [];
  forwardSignals(source, (signal) => killed.push(signal));
  for (const signal of ALL) source.send(signal);
  return killed;
}

Deno.test("without a terminal every signal is passed on", () => {
  assertEquals(passedOn(false), ALL);
});

Deno.test("what the terminal sends to everybody is caught, and not sent twice", () => {
  assertEquals(passedOn(true), ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]);
});

for (const terminal of [false, true]) {
  const where = terminal ? "in" : "without";
  Deno.test(`${where} a terminal: after the command every signal is caught, the second ends it all`, () => {
    for (const signal of ALL) {
      const source = new FakeSignals(terminal);
      const calls: string[] = [];
      const commandEnded = forwardSignals(source, (signal) => calls.push(signal));
      commandEnded(() => calls.push("end now"));
      source.send(signal);
      assertEquals(calls, []);
      source.send("SIGINT");
      source.send("SIGINT");
      assertEquals(calls, ["end now"]);
    }
  });
}
