/** A tunnel under test: ztun, or a peer, whose device the bench gives its addresses and routes. */

import type { Running } from "../../support/process.ts";
import type { Namespace } from "../../support/stage.ts";
import { nofile, ztun } from "../../support/ztun.ts";
import { DESTINATIONS, ECHO, PROXY, PROXY_PORT } from "./addresses.ts";
import type { BenchLab } from "./bench_lab.ts";
import { resultOf } from "./load_result.ts";
import type { Peer } from "./options.ts";
import { ProcessTree } from "./processes.ts";
import { program } from "./programs.ts";
import { shellCommand } from "./template.ts";
import type { Variant, Ztun } from "./variants.ts";

const DEVICE = "bench0";
const DEVICE_ADDRESS = "198.18.0.1/30";
const PATIENCE_MS = 20_000;
const POLL_MS = 1;

type TunnelVariant = Extract<Variant, { kind: "ztun" | "peer" }>;

export class Tunnel {
  readonly #lab: BenchLab;
  readonly #namespace: Namespace;
  readonly #variant: TunnelVariant;
  #process: Running | undefined;
  #loaded = false;

  constructor(lab: BenchLab, namespace: Namespace, variant: TunnelVariant) {
    this.#lab = lab;
    this.#namespace = namespace;
    this.#variant = variant;
  }

  get running(): boolean {
    return this.#process?.alive === true;
  }

  /** The process with its children. */
  tree(): ProcessTree {
    return new ProcessTree(this.#process!.pid);
  }

  /** Says whether it is the first load since the start. */
  load(): boolean {
    const first = !this.#loaded;
    this.#loaded = true;
    return first;
  }

  /** Starts it; gives the milliseconds until the first byte had come back through it. */
  async start(): Promise<number> {
    const command = nofile(this.#command());
    const attempts = this.#namespace.within(program("first_byte.ts", ECHO));
    const prober = this.#lab.start("first byte", attempts);
    await prober.logged(/ready/);
    const started = performance.timeOrigin + performance.now();
    const process = this.#lab.start(this.#variant.name, this.#namespace.within(command));
    this.#process = process;
    this.#loaded = false;
    try {
      if (this.#variant.kind === "peer") await this.#configure(this.#variant.peer, prober.pid);
      const first = resultOf<"at">(prober, PATIENCE_MS);
      return (await Promise.race([first, endOf(process)])).at - started;
    } finally {
      await prober.kill();
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    await this.#process?.kill();
    this.#process = undefined;
  }

  #command(): string[] {
    if (this.#variant.kind === "ztun") return ztunCommand(this.#variant.ztun);
    const { name, command, configTemplate, mtu } = this.#variant.peer;
    const values = { device: DEVICE, mtu, ...this.#lab.proxyValues };
    return shellCommand(this.#lab.fillProgram(name, command, configTemplate, values));
  }

  /** The device appears in the namespace that the process `pid` is in. */
  async #configure(peer: Peer, pid: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!Deno.readTextFileSync(`/proc/${pid}/net/dev`).includes(`${DEVICE}:`)) {
      if (!this.running) throw await endOf(this.#process!);
      if (performance.now() > deadline) throw new Error(`${peer.name} makes no device ${DEVICE}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await this.#namespace.ip(
      `addr replace ${DEVICE_ADDRESS} dev ${DEVICE}`,
      `link set ${DEVICE} mtu ${peer.mtu} up`,
      `route replace ${DESTINATIONS} dev ${DEVICE}`,
    );
  }
}

function ztunCommand({ flags }: Ztun): string[] {
  const socks = `${PROXY}:${PROXY_PORT}`;
  return ztun("up", "--socks", socks, "--tun", DEVICE, "--include", DESTINATIONS, ...flags);
}

/** Rejects when the process ends. */
async function endOf(process: Running): Promise<never> {
  const { code } = await process.ended;
  throw new Error(`${process.name} ended early with ${code}: ${process.log}`);
}
