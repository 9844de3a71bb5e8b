/**
 * The steps from a bare TUN device to one that carries packets. Pure: text in, steps out.
 *
 * Order: quiet first, so that the kernel has sent nothing by the time the link is up; addresses before
 * routes, so that packets leave with a source.
 */

import { formatPrefix, isNetwork, networkOf, parsePrefix, type Prefix } from "../addr/prefix.ts";
import type { TunSettings } from "../config/settings.ts";
import { Exit, UserError } from "../errors.ts";
import {
  addressStep,
  type HostStep,
  mtuStep,
  queueStep,
  quietStep,
  routeStep,
  upStep,
} from "./step.ts";

/** RFC 8200 section 5: below this the kernel takes IPv6 off the link. */
const IPV6_MTU_MIN = 1280;
/**
 * Packets that wait for ztun, beyond which the kernel drops. Its own 500 are the burst of half a
 * millisecond; of datagrams as fast as one program sends them, 2 000 let twice as many through.
 */
const QUEUE = 2_000;

/** What the steps need to know; `hasIpv6` is false where the kernel was started without it. */
export interface DevicePlan {
  readonly device: string;
  readonly tun: Pick<TunSettings, "addresses" | "mtu">;
  readonly routes: readonly string[];
  readonly hasIpv6: boolean;
}

export function planDevice(plan: DevicePlan): HostStep[] {
  const { device, tun, hasIpv6 } = plan;
  const usable = (prefix: Prefix) => hasIpv6 || prefix.address.length === 4;
  const addresses = tun.addresses.map((text) => readPrefix("address", text)).filter(usable);
  const routes = plan.routes.map(readRoute).filter(usable);
  if (tun.mtu < IPV6_MTU_MIN && addresses.some((prefix) => prefix.address.length === 16)) {
    throw new UserError(`Cannot use IPv6 with an MTU of ${tun.mtu}`, {
      exitCode: Exit.Usage,
      hint: `--mtu ${IPV6_MTU_MIN} or more, or only an IPv4 --address`,
    });
  }
  return [
    ...(hasIpv6 ? quietIpv6(device) : []),
    mtuStep(device, tun.mtu),
    queueStep(device, QUEUE),
    ...addresses.map((prefix) => addressStep(device, prefix)),
    upStep(device),
    ...routes.map((prefix) => routeStep(device, prefix)),
  ];
}

/** Both default routes, for the families that the device has an address of. */
export function defaultRoutes(addresses: readonly string[]): string[] {
  const families = new Set(addresses.map((text) => readPrefix("address", text).address.length));
  return [...families.has(4) ? ["0.0.0.0/0"] : [], ...families.has(16) ? ["::/0"] : []];
}

/** Nobody at the other end answers discovery, so the kernel need not ask; the address is ours alone. */
function quietIpv6(device: string): HostStep[] {
  const conf = `net/ipv6/conf/${device}`;
  return [
    quietStep(`${conf}/disable_ipv6`, "0"),
    quietStep(`${conf}/accept_dad`, "0"),
    quietStep(`${conf}/accept_ra`, "0"),
    // No link-local address: it would only send router solicitations and multicast reports.
    quietStep(`${conf}/addr_gen_mode`, "1"),
  ];
}

function readPrefix(kind: string, text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  throw new UserError(`Cannot read the ${kind} "${text}"`, {
    exitCode: Exit.Usage,
    hint: "Write it as 192.0.2.1/24 or 2001:db8::1/64",
  });
}

function readRoute(text: string): Prefix {
  const prefix = readPrefix("route", text);
  if (isNetwork(prefix)) return prefix;
  throw new UserError(`Cannot route "${text}": bits are set behind the length of the prefix`, {
    exitCode: Exit.Usage,
    hint: `--include ${formatPrefix(networkOf(prefix))}`,
  });
}
