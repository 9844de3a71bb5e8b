/**
 * A host whose proxy runs on the host itself, with a tunnel that swallows what it gets: the lab's client
 * is the host, its uplink leads to the destinations, and a pair of devices that leads nowhere stands for the tunnel.
 *
 * What carries `MARK` goes by the old way; the rest, the proxy's own connections too, into the tunnel.
 */

import { SockDiag, type SocketEnd } from "../../ffi/sock_diag_linux.ts";
import { parseAddress } from "../../src/addr/address.ts";
import { cgroup2Of } from "../../src/host/owner/cgroup_mount.ts";
import { type ExemptionChange, undoChange } from "../../src/host/owner/changes.ts";
import {
  type AppliedExemption,
  type PlannedExemption,
  ProxyExemption,
} from "../../src/host/owner/proxy_exemption.ts";
import { ProxyGuard } from "../../src/host/owner/proxy_guard.ts";
import { readProcess } from "../../src/host/owner/process_table.ts";
import { inNamespace } from "./enter_namespace.ts";
import { eventually } from "./eventually.ts";
import { type Lab, PROXY, WEB } from "./lab.ts";
import { must, Running } from "./process.ts";

export const MARK = 0x5a54_554e;
/** The host's address on its uplink. */
export const HOST = "10.99.0.1";
const TUNNEL = "198.18.0.1";
const TABLE = 77;
const PORT = 1080;

export class LocalProxy implements AsyncDisposable {
  readonly lab: Lab;
  readonly newCgroup = `/ztun-test-${crypto.randomUUID()}`;
  readonly end: SocketEnd = { address: parseAddress("127.0.0.1")!, port: PORT };
  readonly diag: SockDiag;
  /** As a journal would have them. */
  readonly changes: ExemptionChange[] = [];
  readonly #exemption: ProxyExemption;
  readonly #running: Running[] = [];
  #captured = false;

  private constructor(lab: Lab) {
    this.lab = lab;
    this.diag = inNamespace(lab.client.name, () => new SockDiag());
    this.#exemption = new ProxyExemption(this.diag, {
      end: this.end,
      mark: MARK,
      newCgroup: this.newCgroup,
      ownUsers: [0],
      tunnelAddresses: [parseAddress(TUNNEL)!],
      record: (change) => this.changes.push(JSON.parse(JSON.stringify(change))),
    });
  }

  static async create(lab: Lab): Promise<LocalProxy> {
    await lab.client.ip(
      `route add default via ${PROXY} dev uplink`,
      "link add tunnel type veth peer name swallow",
      "link set swallow up",
      "link set tunnel arp off",
      `addr add ${TUNNEL}/30 dev tunnel`,
    );
    await lab.client.sysctl("net.ipv6.conf.tunnel.disable_ipv6", 1);
    await lab.client.ip("link set tunnel up", `route add default dev tunnel table ${TABLE}`);
    const web = ["python3", "-u", "-m", "http.server", "80", "--bind", WEB];
    await Deno.mkdir(`${lab.directory}/web`, { recursive: true });
    await Deno.writeTextFile(`${lab.directory}/web/index.html`, "hello");
    lab.start("web", lab.server, web, { cwd: `${lab.directory}/web` });
    await eventually("the web server", async () => await lab.server.connects(WEB, 80) || undefined);
    return new LocalProxy(lab);
  }

  /** Starts a proxy on the host; `around` puts it in a cgroup. */
  async start(
    command: readonly string[],
    around: (command: readonly string[]) => readonly string[] = (command) => command,
  ): Promise<Running> {
    const running = new Running(command[0]!, around(this.lab.client.within(command)));
    this.#running.push(running);
    await eventually(`${command[0]} to listen`, () => {
      if (!running.alive) throw new Error(running.log);
      return this.diag.listener(this.end);
    });
    return running;
  }

  /** Everything without the mark goes into the tunnel from now on, as wg-quick does it. */
  async capture(): Promise<void> {
    await this.lab.client.ip(
      "rule add pref 8000 lookup main suppress_prefixlength 0",
      `rule add pref 8001 not fwmark ${MARK} lookup ${TABLE}`,
    );
    this.#captured = true;
  }

  plan(): PlannedExemption {
    const plan = inNamespace(this.lab.client.name, () => this.#exemption.plan());
    if (plan.kind !== "planned") throw new Error(`There is no owner: ${plan.kind}`);
    return plan;
  }

  apply(plan: PlannedExemption): AppliedExemption {
    return inNamespace(this.lab.client.name, () => this.#exemption.apply(plan));
  }

  guard(intervalMs: number): ProxyGuard {
    const lookUp = () => this.diag.listener(this.end)?.inode ?? 0;
    const within = <T>(body: () => T) => inNamespace(this.lab.client.name, body);
    return new ProxyGuard({
      plan: () => within(() => this.#exemption.plan()),
      apply: (plan) => within(() => this.#exemption.apply(plan)),
    }, { lookUp, intervalMs });
  }

  async undo(): Promise<void> {
    for (const change of this.changes.toReversed()) await undoChange(change);
  }

  /** Of the cgroup that is made for the proxy. */
  get newDirectory(): string {
    const { mount } = cgroup2Of(Deno.readTextFileSync("/proc/self/mounts"))!;
    return mount + this.newCgroup;
  }

  /** What a client of the proxy gets; undefined when that fails within so many seconds. */
  async fetch(seconds = 10): Promise<string | undefined> {
    const url = `http://${WEB}/`;
    const limit = ["--max-time", String(seconds), "--connect-timeout", String(seconds)];
    const command = ["curl", "-sS", ...limit, "--socks5", `127.0.0.1:${PORT}`, url];
    const { code, stdout } = await this.lab.client.run(command);
    return code === 0 ? stdout : undefined;
  }

  /** Packets that went into the tunnel. */
  async swallowed(): Promise<number> {
    const shown = await this.lab.client.must(["ip", "-s", "-j", "link", "show", "tunnel"]);
    return JSON.parse(shown)[0].stats64.tx.packets;
  }

  /** Marks of the sockets that processes of the host still have. */
  marks(): (number | undefined)[] {
    return (["tcp", "udp"] as const).flatMap((protocol) => this.diag.sockets(protocol))
      .filter(({ inode }) => inode !== 0).map(({ mark }) => mark);
  }

  cgroupOf(pid: number): string | undefined {
    return readProcess(pid)?.cgroup;
  }

  /** The programs of the lab's host. */
  async pids(): Promise<number[]> {
    const text = await must(["ip", "netns", "pids", this.lab.client.name]);
    return text.trim().split("\n").map(Number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.undo();
    // What a proxy says at its end must arrive, or the other side would wait for it.
    if (this.#captured) await this.lab.client.ip("rule del pref 8000", "rule del pref 8001");
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    this.diag.close();
  }
}
