/** `ztun up` on the host of the lab, and what programs of the host see through it. */

import { assert, assertEquals } from "@std/assert";
import type { TunnelStatus } from "../../src/control/status.ts";
import { FAR_PROXY, FAR_PROXY6, type HostLab, PORT, RESOLVER, WEB, WEB6 } from "./host_lab.ts";
import type { Packet } from "./captured_packets.ts";
import type { Finished, Running } from "./process.ts";
import type { Namespace } from "./stage.ts";
import { type Allowed, to, upkeep } from "./uplink_judge.ts";
import { nofile, ztun } from "./ztun.ts";

/** A proxy on another host. */
export const REMOTE = ["--socks", `${FAR_PROXY}:${PORT}`] as const;
export const LOCAL = ["--socks", `127.0.0.1:${PORT}`] as const;

/** What may leave while the proxy is a remote one: what ztun says to it. */
export const TO_PROXY: readonly Allowed[] = [
  upkeep,
  to("tcp", FAR_PROXY, PORT),
  to("udp", FAR_PROXY),
  to("tcp", FAR_PROXY6, PORT),
  to("udp", FAR_PROXY6),
  answerToRelay,
];

/**
 * Whether the proxy relays UDP is found out by a datagram that it sends to this host, to a port that is
 * open for that long. The answer goes to where it came from: the address by which the far side sends.
 */
export function answerToRelay({ protocol, destination }: Packet): boolean {
  return protocol === "udp" && /^(10\.9\.\d\.2|fd09:\d::2)$/.test(destination);
}

export const ECHO_PORT = 7007;

export class WholeHost {
  readonly lab: HostLab;
  readonly process: Running;

  private constructor(lab: HostLab, process: Running) {
    this.lab = lab;
    this.process = process;
  }

  /** Starts `ztun up`, and waits until it says that it is ready. */
  static async up(lab: HostLab, ...flags: readonly string[]): Promise<WholeHost> {
    const host = WholeHost.begin(lab, ...flags);
    await host.process.logged(/\bready\b/, 30_000);
    return host;
  }

  /** Starts it only. */
  static begin(lab: HostLab, ...flags: readonly string[]): WholeHost {
    return new WholeHost(lab, lab.start("ztun up", lab.host, nofile(ztun("up", ...flags))));
  }

  async status(): Promise<TunnelStatus> {
    const command = ztun("status", "--json", "--pid", String(this.process.pid));
    return JSON.parse(await this.lab.host.must(command)) as TunnelStatus;
  }

  /** Ends it as Ctrl-C does, which must succeed. */
  async stop(): Promise<void> {
    const { code } = await this.process.stop("SIGINT", 20_000);
    assertEquals(code, 0, `ztun up ended with ${code}: ${this.process.log}`);
  }

  async kill(): Promise<void> {
    await this.process.kill();
  }
}

/** `ztun` with these arguments, on the host, to its end. */
export function ztunOn(lab: HostLab, ...args: readonly string[]): Promise<Finished> {
  return lab.host.run(ztun(...args));
}

export async function mustZtun(lab: HostLab, ...args: readonly string[]): Promise<string> {
  return await lab.host.must(ztun(...args));
}

const CURL = ["curl", "-sS", "--globoff", "--connect-timeout", "10", "--max-time", "20"];

/** Who the web server says is asking; "curl 7" and the like when that fails. */
export async function asks(from: Namespace, destination: string = WEB): Promise<string> {
  const host = destination.includes(":") ? `[${destination}]` : destination;
  const { code, stdout } = await from.run([...CURL, `http://${host}/from`]);
  return code === 0 ? stdout.trim() : `curl ${code}`;
}

/** What a name's answer says, by /etc/resolv.conf: "NOERROR 203.0.113.10". */
export async function looksUp(from: Namespace, name: string, type = "A"): Promise<string> {
  const command = ["dig", "+tries=2", "+time=5", "+noall", "+comments", "+answer", name, type];
  const { stdout } = await from.run(command);
  const status = stdout.match(/status: (\w+)/)?.[1] ?? "no answer";
  const records = [...stdout.matchAll(/^\S+\s+\d+\s+IN\s+\w+\s+(\S+)$/gm)].map(([, data]) => data);
  return [status, ...records].join(" ");
}

/** Whether a datagram comes back. */
export async function echoes(
  from: Namespace,
  address: string,
  withinSeconds = 5,
): Promise<boolean> {
  const command = ["nc.openbsd", "-u", "-W", "1", "-w", String(withinSeconds), address];
  const { stdout } = await from.run([...command, String(ECHO_PORT)], { input: "there and back" });
  return stdout === "there and back";
}

/** All that programs do reaches the far side by the tunnel, and its answers come back. */
export async function assertCarriesAll(lab: HostLab): Promise<void> {
  const { host } = lab;
  assertEquals(await asks(host, WEB), WEB, "TCP over IPv4");
  assertEquals(await asks(host, WEB6), WEB6, "TCP over IPv6");
  await assertResolves(lab);
  assertEquals(await echoes(host, WEB), true, "UDP over IPv4");
  assertEquals(await echoes(host, WEB6), true, "UDP over IPv6");
}

export async function assertResolves({ host }: HostLab): Promise<void> {
  assertEquals(await looksUp(host, "web.test"), `NOERROR ${WEB}`);
  assertEquals(await looksUp(host, "web.test", "AAAA"), `NOERROR ${WEB6}`);
  assertEquals(await looksUp(host, "nobody.test"), "NXDOMAIN");
  assert([WEB, WEB6].includes(await asks(host, "web.test")), "by name");
}

/** Without a tunnel: the host asks by itself. */
export async function assertDirect(lab: HostLab): Promise<void> {
  const { address, address6 } = lab.uplinks[0]!;
  assertEquals(await asks(lab.host, WEB), address);
  assertEquals(await asks(lab.host, WEB6), address6);
  assertEquals(await looksUp(lab.host, "web.test"), `NOERROR ${WEB}`);
}

/** Asked past the system's resolver, of a server that is not the tunnel's. */
export async function asksResolver(from: Namespace, server = RESOLVER): Promise<string> {
  const command = ["dig", "+tries=1", "+time=2", "+short", `@${server}`, "web.test"];
  const { code, stdout } = await from.run(command);
  return code === 0 ? stdout.trim() : `dig ${code}`;
}
