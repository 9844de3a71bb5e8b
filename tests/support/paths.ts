/**
 * The two ways from the client side to the destinations: through `ztun up`, and without any tunnel, as
 * the reference that the tunnel is compared with.
 */

import { assertEquals } from "@std/assert";
import type { TunnelStatus } from "../../src/control/status.ts";
import { eventually } from "./eventually.ts";
import { DESTINATIONS, type Lab, PROXY, PROXY6 } from "./lab.ts";
import { must, type Running } from "./process.ts";
import type { Proxy } from "./proxies.ts";
import { nofile, ztun } from "./ztun.ts";

export const DEVICE = "ztun0";

export interface UpOptions {
  /** More flags of `ztun up`. */
  flags?: readonly string[];
  /** The command, with arguments, that becomes `ztun up`. */
  launcher?: readonly string[];
}

/** Short limits, so that what a test used is given back while the test waits. */
const LIMITS = [
  ...["--udp-idle-timeout", "2s", "--udp-exchange-timeout", "2s", "--dns-timeout", "5s"],
];

/** What `ztun status --json` shows of what a tunnel holds at this moment. */
export type Gauges = TunnelStatus["gauges"];

/** The engine that this run is for, where it is for one: ztun reads the variable itself. */
const asked = Deno.env.get("ZTUN_ENGINE") ?? "";
const ENGINES = ["async", "uring"];

export class Tunnel {
  readonly lab: Lab;
  readonly process: Running;
  #descriptors: string[] = [];

  private constructor(lab: Lab, process: Running) {
    this.lab = lab;
    this.process = process;
  }

  /** Starts `ztun up` on the client side, with every destination routed into it, and waits for it. */
  static async up(lab: Lab, proxy: Proxy, options: UpOptions = {}): Promise<Tunnel> {
    const routes = DESTINATIONS.flatMap((route) => ["--include", route]);
    const flags = [
      ...proxy.flags(lab),
      "--tun",
      DEVICE,
      ...routes,
      ...LIMITS,
      ...options.flags ?? [],
    ];
    const command = [...options.launcher ?? [], ...nofile(ztun("up", ...flags))];
    const process = lab.start("ztun up", lab.client, command);
    await process.logged(/\bready\b/);
    const tunnel = new Tunnel(lab, process);
    if (ENGINES.includes(asked) && !flags.includes("--engine")) {
      assertEquals((await tunnel.status()).engine, asked);
    }
    await tunnel.#idle();
    tunnel.#descriptors = process.descriptors();
    return tunnel;
  }

  /** What the tunnel holds now: flows, mappings, associations, buffered bytes. */
  async gauges(): Promise<Gauges> {
    return (await this.status()).gauges;
  }

  async status(): Promise<TunnelStatus> {
    const text = await this.lab.client.must(
      ztun("status", "--json", "--pid", String(this.process.pid)),
    );
    return JSON.parse(text) as TunnelStatus;
  }

  async #idle(): Promise<void> {
    await eventually("the tunnel to hold nothing", async () => {
      const held = Object.entries(await this.gauges()).filter(([, value]) => value !== 0);
      if (held.length === 0) return true;
      throw new Error(held.map(([name, value]) => `${name} = ${value}`).join(", "));
    }, 20_000);
  }

  /** Nothing may be left of what went through: no flow, no buffered byte, no descriptor. */
  async assertNothingLeft(): Promise<void> {
    await this.#idle();
    await eventually("the tunnel to close its descriptors", () => {
      const now = this.process.descriptors();
      if (now.length <= this.#descriptors.length) return true;
      throw new Error(`before: ${this.#descriptors.join(" ")}\nnow: ${now.join(" ")}`);
    });
  }

  /** Ends the tunnel as a user does; it must succeed, and leave neither device nor route. */
  async down(): Promise<void> {
    const { code } = await this.process.stop("SIGTERM", 15_000);
    assertEquals(code, 0, `ztun up ended with ${code}`);
    const links = await must(["ip", "-netns", this.lab.client.name, "-o", "link"]);
    assertEquals(links.includes(DEVICE), false, links);
  }
}

/** Lets the client side reach the destinations without any tunnel. */
export async function routeDirectly(lab: Lab): Promise<void> {
  // A router says what cannot be reached; a host would drop it in silence.
  await lab.server.sysctl("net.ipv4.ip_forward", 1);
  await lab.server.sysctl("net.ipv6.conf.all.forwarding", 1);
  await lab.client.ip(
    ...DESTINATIONS.map((route) =>
      `route add ${route} via ${route.includes(":") ? PROXY6 : PROXY}`
    ),
  );
}
