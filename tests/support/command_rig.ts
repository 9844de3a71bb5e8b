/** A command that recovers what dead tunnels left, on a made-up host, beside made-up tunnels. */

import type { Command, CommandInput } from "../../src/cli/command.ts";
import { run } from "../../src/cli/run.ts";
import type { TunnelStatus } from "../../src/control/status.ts";
import { FakeEnvironment } from "../src/cli/fake_environment.ts";
import { ControlDirectory, FakeTunnel, replying } from "../src/control/fixtures.ts";
import { FakeHost } from "./fake_host.ts";

/** What a tunnel answers to each request. */
type Answers = (request: string) => unknown;

export class CommandRig implements AsyncDisposable {
  readonly host = new FakeHost();
  /** Requests to do something, as the tunnels got them. */
  readonly asked: string[] = [];
  readonly #directory = new ControlDirectory();
  readonly #sockets = `${this.#directory.path}/ztun`;
  readonly #tunnels: FakeTunnel[] = [];

  constructor() {
    Deno.mkdirSync(this.#sockets);
  }

  /** A tunnel whose process lives; `act` is what it does when it is asked to do something. */
  tunnel(status: TunnelStatus, act: Answers = () => ({ ok: true })): void {
    const { pid } = status;
    this.host.machine.alive.set(pid, "1");
    const answers = replying((request) => {
      if (request === '{"get":"status"}') return status;
      this.asked.push(`${pid} ${request}`);
      return act(request);
    });
    this.#tunnels.push(new FakeTunnel(this.#sockets, pid, answers));
  }

  /** One that ends, with its process, as soon as it is asked to. */
  endingTunnel(status: TunnelStatus): void {
    this.tunnel(status, () => {
      this.host.machine.alive.delete(status.pid);
      return { ok: true };
    });
  }

  /** Runs the command with `body` in place of what it does. */
  async run(
    command: Command,
    args: readonly string[],
    body: (input: CommandInput) => Promise<number> = command.run,
  ): Promise<{ code: number; out: string; err: string }> {
    const variables = { XDG_RUNTIME_DIR: this.#directory.path };
    const environment = new FakeEnvironment({ variables });
    const code = await run([command.name, ...args], environment, [{ ...command, run: body }]);
    return { code, out: environment.stdout, err: environment.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tunnel of this.#tunnels) await tunnel[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
    this.host[Symbol.dispose]();
  }
}
