/**
 * Bad networks in the lab, at the two places where a tunnel meets one: between the local program and the
 * TUN (a third namespace whose packets are forwarded into it), and on the way to the proxy.
 */

import type { Badness } from "../e2e/programs/bad_link.ts";
import { eventually } from "./eventually.ts";
import { DESTINATIONS, type Lab, PROXY } from "./lab.ts";
import { must, type Running } from "./process.ts";
import { Namespace } from "./stage.ts";
import { program } from "./ztun.ts";

export type { Badness };

export const GOOD: Badness = { loss: 0, duplicate: 0, reorder: 0, delayMs: 0, seed: 7 };

async function startLink(
  lab: Lab,
  name: string,
  peer: Namespace,
  badness: Badness,
): Promise<Running> {
  const ends = [`${name}0`, `${name}1`] as const;
  const command = program("bad_link.ts", ...ends, peer.name, JSON.stringify(badness));
  const link = lab.start(`bad link ${name}`, lab.client, command);
  await link.logged(/ready/);
  return link;
}

/**
 * A namespace behind a bad link: its programs reach the destinations through the client side's TUN, so
 * that their TCP and the tunnel's have the bad network between them.
 */
export async function behindBadLink(lab: Lab, badness: Badness): Promise<[Namespace, Running]> {
  const far = new Namespace(`${lab.client.name}-far`);
  await must(["ip", "netns", "add", far.name]);
  lab.atEnd(async () => void await must(["ip", "netns", "del", far.name]));
  const link = await startLink(lab, "far", far, badness);
  await lab.client.sysctl("net.ipv4.ip_forward", 1);
  await lab.client.sysctl("net.ipv6.conf.all.forwarding", 1);
  await lab.client.ip(
    "addr add 10.98.0.1/24 dev far0",
    "addr add fd98::1/64 dev far0 nodad",
    "link set far0 up",
  );
  await far.ip(
    "link set lo up",
    "addr add 10.98.0.2/24 dev far1",
    "addr add fd98::2/64 dev far1 nodad",
    "link set far1 up",
    ...DESTINATIONS.map((route) => `route add ${route} dev far1`),
  );
  // Without a tunnel the server side must know the way back.
  await lab.server.ip("route add 10.98.0.0/24 via 10.99.0.1", "route add fd98::/64 via fd99::1");
  return [far, link];
}

/** From now on the way between the client side and the proxy is bad. */
export async function worsenProxyLink(lab: Lab, badness: Badness): Promise<Running> {
  const link = await startLink(lab, "way", lab.server, badness);
  await lab.client.ip("addr add 10.97.0.1/24 dev way0", "link set way0 up");
  await lab.server.ip("addr add 10.97.0.2/24 dev way1", "link set way1 up");
  await lab.client.ip(`route add ${PROXY}/32 dev way0 src 10.97.0.1`);
  await eventually("the bad link to carry", async () => {
    const { code } = await lab.client.run(["ping", "-n", "-c", "1", "-W", "1", PROXY]);
    return code === 0 ? true : undefined;
  });
  return link;
}

/** What the link did to its packets; ends it. */
export async function countsOf(link: Running): Promise<Record<string, number>> {
  await link.stop();
  return JSON.parse(link.log.match(/^\{.*\}$/m)![0]) as Record<string, number>;
}
