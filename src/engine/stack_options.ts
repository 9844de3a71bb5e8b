/** What the settings mean for the stack, and the constants that nobody has to set. */

import { parsePrefix, prefixContains } from "../addr/prefix.ts";
import type { Settings } from "../config/settings.ts";
import type { StackOptions } from "../stack/stack.ts";

/** The local host is microseconds away: nothing of an old connection can still be on its way. */
const TIME_WAIT = 1_000;
/** RFC 1122, 4.2.3.5: at least 100 seconds. */
const GIVE_UP = 120_000;
const KEEP_ALIVE_INTERVAL = 75_000;
const KEEP_ALIVE_PROBES = 9;

export function stackOptions(settings: Settings): StackOptions {
  const { limits, timeouts } = settings;
  return {
    tcp: {
      flowBytes: limits.flowBytes,
      idle: timeouts.tcpIdle,
      halfClosed: timeouts.tcpHalfClosed,
      timeWait: TIME_WAIT,
      giveUp: GIVE_UP,
      keepAliveInterval: KEEP_ALIVE_INTERVAL,
      keepAliveProbes: KEEP_ALIVE_PROBES,
      congestion: "cubic",
    },
    tcpBounds: { flows: limits.tcpFlows, halfOpen: limits.halfOpen },
    reassembly: {
      packets: limits.reassemblyPackets,
      bytes: limits.reassemblyBytes,
      lifetime: timeouts.reassembly,
    },
    router: {
      ipv4: neighbour(settings.tun.addresses, 4) ?? new Uint8Array([198, 18, 0, 2]),
      ipv6: neighbour(settings.tun.addresses, 16) ??
        new Uint8Array([0xfd, 0x7a, 0x74, 0x75, 0x6e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]),
    },
    answerEcho: settings.ping === "answer",
    random: (bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
  };
}

/** The address behind the device's own, in its network: what a router on the other end would have. */
function neighbour(addresses: readonly string[], length: number): Uint8Array | undefined {
  for (const text of addresses) {
    const prefix = parsePrefix(text);
    if (prefix === undefined || prefix.address.length !== length) continue;
    const address = prefix.address.slice();
    address[length - 1]! ^= 3;
    return prefixContains(prefix, address) ? address : undefined;
  }
  return undefined;
}
