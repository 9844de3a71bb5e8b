/**
 * The network that the end-to-end tests run in: two namespaces joined by a veth pair.
 *
 *     client (A)                                server (B)
 *     the program under test, its clients       SOCKS5 servers on 10.99.0.2, fd99::2
 *     10.99.0.1, fd99::1  ── veth ───────────── destinations on the loopback device: WEB, WEB6 …
 *
 * A has no route to the destinations but the one that a test gives it. Nothing outside the namespaces is
 * touched, and everything goes with them.
 */

import { Namespace, Stage } from "./stage.ts";

export const PROXY = "10.99.0.2";
export const PROXY6 = "fd99::2";
export const PROXY_PORT = 1080;

/** Destinations: documentation addresses, which exist on the loopback device of the server side. */
export const WEB = "203.0.113.10";
export const WEB6 = "2001:db8:10::10";
export const NAMES = "198.51.100.20";
export const NAMES6 = "2001:db8:20::53";
/** Routed through the tunnel; nobody has them. */
export const ABSENT = "203.0.113.99";
export const UNREACHABLE = "198.51.100.66";
export const ABSENT6 = "2001:db8:99::99";
export const UNREACHABLE6 = "2001:db8:66::66";
export const DESTINATIONS = ["203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"] as const;

const LOOPBACK = [WEB, WEB6, NAMES, NAMES6] as const;

export class Lab extends Stage {
  readonly client = new Namespace(this.nameOf("a"));
  readonly server = new Namespace(this.nameOf("b"));

  static create(): Promise<Lab> {
    return Stage.raise(new Lab());
  }

  protected async build(): Promise<void> {
    const { client, server } = this;
    await this.add(client);
    await this.add(server);
    await client.ip(
      `link add uplink type veth peer name uplink netns ${server.name}`,
      "addr add 10.99.0.1/24 dev uplink",
      "addr add fd99::1/64 dev uplink nodad",
      "link set uplink up",
    );
    await server.ip(
      `addr add ${PROXY}/24 dev uplink`,
      `addr add ${PROXY6}/64 dev uplink nodad`,
      "link set uplink up",
      ...LOOPBACK.map((address) =>
        `addr add ${address} dev lo ${address.includes(":") ? "nodad" : ""}`
      ),
      // A network of which no host answers: the router finds that out, and says so.
      "link add stub type veth peer name stub-end",
      "link set stub up",
      "link set stub-end up",
      `route add ${UNREACHABLE}/32 dev stub`,
      `route add ${UNREACHABLE6}/128 dev stub`,
    );
    for (const family of ["ipv4", "ipv6"]) {
      await server.sysctl(`net.${family}.neigh.stub.retrans_time_ms`, 50);
    }
  }
}
