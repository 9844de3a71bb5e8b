/**
 * A whole host, and what is around it:
 *
 *     host  uplink  10.1.0.2, fd01::2 ──┐
 *                                       router 10.1.0.1, fd01::1 ─────┐
 *     neighbour     10.1.0.7, fd01::7 ──┘                             │
 *                                                                     internet: WEB, WEB6, FAR_PROXY,
 *     host  uplink2 10.2.0.2, fd02::2 ──── router 10.2.0.1, fd02::1 ──┘ RESOLVER on its loopback device
 *
 * The second uplink is there when a test plugs it in. Destinations see who asks: routers translate nothing.
 */

import { eventually } from "./eventually.ts";
import { startEcho } from "./udp_echo.ts";
import { startNames, startNginx } from "./destinations.ts";
import { HostNamespace } from "./host_namespace.ts";
import { WEB, WEB6 } from "./lab.ts";
import type { Running } from "./process.ts";
import { Namespace, Stage } from "./stage.ts";
import { nofile, ztun } from "./ztun.ts";

export { WEB, WEB6 };
export const FAR_PROXY = "198.51.100.20";
export const FAR_PROXY6 = "2001:db8:20::20";
export const RESOLVER = "192.0.2.53";
export const RESOLVER6 = "2001:db8:53::53";
export const PORT = 1080;

const INTERNET = [WEB, WEB6, FAR_PROXY, FAR_PROXY6, RESOLVER, RESOLVER6] as const;
const FORWARD = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] as const;

/** A network that the host can be on, with its router. */
export interface Uplink {
  /** The host's link. */
  readonly link: string;
  readonly address: string;
  readonly address6: string;
  readonly gateway: string;
  readonly gateway6: string;
  /** Of its default routes: the first network goes before the second. */
  readonly metric: number;
  readonly router: Namespace;
}

export const NEIGHBOUR = "10.1.0.7";
export const NEIGHBOUR6 = "fd01::7";

export class HostLab extends Stage {
  readonly host = new HostNamespace(this.nameOf("host"), this);
  readonly server = new Namespace(this.nameOf("internet"));
  readonly neighbour = new Namespace(this.nameOf("neighbour"));
  readonly uplinks: Uplink[] = [];

  static create(): Promise<HostLab> {
    return Stage.raise(new HostLab());
  }

  protected async build(): Promise<void> {
    for (const each of [this.server, this.host, this.neighbour]) await this.add(each);
    await this.server.ip(
      ...INTERNET.map((address) => `addr add ${address} dev lo ${nodad(address)}`),
    );
    await this.host.furnish();
    await this.resolvConf(`nameserver ${RESOLVER}\nnameserver ${RESOLVER6}\n`);
    const uplink = await this.plug();
    await this.join(uplink);
    await this.#settleNeighbour(uplink);
  }

  async #settleNeighbour({ router, gateway, gateway6 }: Uplink): Promise<void> {
    await router.ip(
      `link add neighbour type veth peer name eth0 netns ${this.neighbour.name}`,
      "link set neighbour master lan up",
    );
    await this.neighbour.ip(
      `addr add ${NEIGHBOUR}/24 dev eth0`,
      `addr add ${NEIGHBOUR6}/64 dev eth0 nodad`,
      "addr add fe80::7/64 dev eth0 nodad",
      "link set eth0 up",
      `route add default via ${gateway}`,
      `route add default via ${gateway6}`,
    );
  }

  /** One more link of the host, without an address, to a router of its own. */
  async plug(): Promise<Uplink> {
    const number = this.uplinks.length + 1;
    const uplink: Uplink = {
      link: number === 1 ? "uplink" : `uplink${number}`,
      address: `10.${number}.0.2`,
      address6: `fd0${number}::2`,
      gateway: `10.${number}.0.1`,
      gateway6: `fd0${number}::1`,
      metric: 100 * number,
      router: new Namespace(this.nameOf(`router${number}`)),
    };
    await this.add(uplink.router);
    await this.#buildRouter(uplink, number);
    await this.host.ip(`link set ${uplink.link} up`);
    this.uplinks.push(uplink);
    return uplink;
  }

  async #buildRouter({ router, link, gateway, gateway6 }: Uplink, number: number): Promise<void> {
    for (const name of FORWARD) await router.sysctl(name, 1);
    const wan = [`10.9.${number}`, `fd09:${number}:`];
    await router.ip(
      "link add lan type bridge mcast_snooping 0",
      `link add host type veth peer name ${link} netns ${this.host.name}`,
      `link add wan type veth peer name wan${number} netns ${this.server.name}`,
      "link set host master lan up",
      `addr add ${gateway}/24 dev lan`,
      `addr add ${gateway6}/64 dev lan nodad`,
      // Who forwards asks for neighbours by an address of the link.
      "addr add fe80::1/64 dev lan nodad",
      "addr add fe80::1/64 dev wan nodad",
      `addr add ${wan[0]}.1/30 dev wan`,
      `addr add ${wan[1]}:1/126 dev wan nodad`,
      "link set lan up",
      "link set wan up",
    );
    await this.server.ip(
      `addr add ${wan[0]}.2/30 dev wan${number}`,
      `addr add ${wan[1]}:2/126 dev wan${number} nodad`,
      `addr add fe80::2/64 dev wan${number} nodad`,
      `link set wan${number} up`,
      `route add ${gateway}/32 via ${wan[0]}.1`,
      `route add 10.${number}.0.0/24 via ${wan[0]}.1`,
      `route add fd0${number}::/64 via ${wan[1]}:1`,
    );
    await router.ip(`route add default via ${wan[0]}.2`, `route add default via ${wan[1]}:2`);
  }

  /** Puts the host on this network, as DHCP and the router's advertisements do. */
  async join({ link, address, address6, gateway, gateway6, metric }: Uplink): Promise<void> {
    await this.host.ip(
      `link set ${link} up`,
      `addr add ${address}/24 dev ${link}`,
      `addr add ${address6}/64 dev ${link} nodad`,
      `addr add fe80::2/64 dev ${link} nodad`,
      `route add default via ${gateway} dev ${link} metric ${metric}`,
      `route add default via ${gateway6} dev ${link} metric ${metric}`,
    );
    await this.running(link);
  }

  /** The kernel sees the carrier of a link of the host, and makes its own routes, in its own time. */
  async running(link: string): Promise<void> {
    const local = ["ip", "-6", "route", "show", "table", "local", "dev", link];
    await eventually(`${link} to run`, async () => {
      return (await this.host.must(local)).includes("ff00::/8") || undefined;
    });
  }

  /** Takes the host off this network. */
  async leave({ link }: Uplink): Promise<void> {
    await this.host.ip(`addr flush dev ${link}`, `link set ${link} down`);
  }

  /** Writes the host's /etc/resolv.conf, a plain file of nobody's. */
  async resolvConf(text: string): Promise<void> {
    const path = this.host.outside("/etc/resolv.conf");
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
  }

  /** A web server, a UDP echo and a resolver on the destinations. */
  async openInternet(): Promise<void> {
    await startNginx(this);
    await startEcho(this);
    await startNames(this, [RESOLVER, RESOLVER6], [["proxy.test", FAR_PROXY]]);
  }

  /** Our own server, which relays UDP, on the far side. */
  farProxy(host = FAR_PROXY): Promise<Running> {
    const end = host.includes(":") ? `[${host}]:${PORT}` : `${host}:${PORT}`;
    return this.serve("ztun socks", nofile(ztun("socks", "--listen", end)), host, PORT);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
  }
}

function nodad(address: string): string {
  return address.includes(":") ? "nodad" : "";
}
