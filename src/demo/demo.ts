/**
 * The demo as a whole, four processes of this program besides this one:
 *
 *     client ── TUN ── exec ── SOCKS5 ── proxy ── TCP, UDP ── far side
 *     (in a namespace)        (on loopback)                   (on loopback)
 *
 * Then once more, shorter, with a proxy that does not relay UDP. Afterwards nothing may be left in
 * either tunnel.
 */

import { Child } from "./child.ts";
import type { ClientMessage, Reach } from "./client.ts";
import { PART } from "./part.ts";
import { type FarSide, NAME_SERVER } from "./plan.ts";
import { type CheckResult, runCheck } from "./result.ts";
import {
  nothingLeftCheck,
  proxyLeftCheck,
  relayVerdictCheck,
  type TunnelFigures,
} from "./tunnel_checks.ts";

/** What the proxy says when it serves: the ports of one that can everything, and of one for TCP only. */
export interface ProxyPorts {
  readonly all: number;
  readonly tcpOnly: number;
}

/** What the proxy says when it is to end. */
export interface ProxyLeft {
  readonly connections: number;
  readonly associations: number;
}

export interface DemoOptions {
  /** How to run this program again, as a part of the demo: append the part and its arguments. */
  readonly selfCommand: readonly string[];
  /** Flags of `exec` that have to do with its output. */
  readonly execFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly verbose: boolean;
  /** What the tunnel of that process tells about itself. */
  readonly figures: (pid: number) => Promise<TunnelFigures | undefined>;
  readonly progress: (doing: string) => void;
  /** What a part said on stderr although all went well: warnings, in lines. */
  readonly warn: (text: string) => void;
}

/** So that what one check has used is given back while the last one waits for it. */
const LIMITS = [
  ...["--udp-idle-timeout=1s", "--udp-exchange-timeout=1s", "--dns-timeout=2s"],
  "--grace=2s",
];

export class Demo {
  readonly #options: DemoOptions;
  readonly #children = new Set<{ kill(): Promise<void> }>();
  #aborted = false;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Gives what every check has found. Throws `ChildEnded` when a part could not do its own. */
  async run(): Promise<CheckResult[]> {
    this.#options.progress("starting servers and proxy");
    try {
      const farSide = this.#start<FarSide>("far side", [PART, "far-side"]);
      const places = await farSide.next();
      const proxy = this.#start<ProxyPorts | ProxyLeft>("proxy", [
        PART,
        "proxy",
        JSON.stringify(places.pairs),
      ]);
      const ports = await proxy.next() as ProxyPorts;
      const results = [
        ...await this.#through(ports.all, "all", places),
        ...await this.#through(ports.tcpOnly, "tcp-only", places),
      ];
      await proxy.endInput();
      results.push(await runCheck(proxyLeftCheck(async () => await proxy.next() as ProxyLeft)));
      await this.#close(proxy);
      await this.#close(farSide);
      return results;
    } finally {
      await this.#killAll();
    }
  }

  /** Ends everything now; `run` rejects. */
  async abort(): Promise<void> {
    this.#aborted = true;
    await this.#killAll();
  }

  async #through(port: number, reach: Reach, places: FarSide): Promise<CheckResult[]> {
    const { selfCommand, execFlags } = this.#options;
    const servers = Object.values(NAME_SERVER).map((server) => `--dns-server=${server}`);
    const exec = this.#start<ClientMessage>("tunnel", [
      ...["exec", "--socks", `127.0.0.1:${port}`, ...servers, ...LIMITS, ...execFlags, "--"],
      ...[...selfCommand, PART, "client", reach],
    ]);
    this.#options.progress(`starting a tunnel to 127.0.0.1:${port}`);
    const results = await this.#follow(exec, places);
    const figures = () => this.#options.figures(exec.pid);
    for (const check of [relayVerdictCheck(reach, figures), nothingLeftCheck(reach, figures)]) {
      this.#options.progress(check.name);
      results.push(await runCheck(check));
    }
    await this.#close(exec);
    return results;
  }

  /** The client's results, until it has no more to do. */
  async #follow(client: Child<ClientMessage>, places: FarSide): Promise<CheckResult[]> {
    const results: CheckResult[] = [];
    for (;;) {
      const message = await client.next();
      if (message.kind === "idle") return results;
      if (message.kind === "running") this.#options.progress(message.name);
      else results.push(places.standIn ? withStandIn(message.result) : message.result);
    }
  }

  #start<Message>(name: string, args: readonly string[]): Child<Message> {
    if (this.#aborted) throw new Error("The demo was interrupted");
    const { selfCommand, env, verbose } = this.#options;
    const child = new Child<Message>({ name, command: [...selfCommand, ...args], env, verbose });
    this.#children.add(child);
    return child;
  }

  async #close(child: Child<unknown>): Promise<void> {
    const said = await child.close();
    if (said !== "") this.#options.warn(said);
  }

  async #killAll(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill()));
  }
}

/** What was seen is true, but it was not IPv6 all the way. */
function withStandIn(result: CheckResult): CheckResult {
  if (!result.name.includes("IPv6") || result.result !== "ok") return result;
  return { ...result, seen: `${result.seen} (no ::1 here: IPv4 beyond the proxy)` };
}
