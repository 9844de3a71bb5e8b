/**
 * How many connections the process has descriptors for. Out of descriptors, every accept, connect and name
 * lookup fails, those of running connections included: it is better to be full before.
 */

import type { Socks5ServerLimits } from "./limits.ts";

/** The process's own: standard streams, event loop, listener, lookups. */
const RESERVED = 64;
/** A relay has two sockets; an association has its control connection, its relay, IPv4 and IPv6. */
const PER_RELAY = 2;
const MORE_PER_ASSOCIATION = 2;

/** Limits that `descriptors` are enough for; one in eight connections may be an association's. */
export function fitLimits(
  wanted: Pick<Socks5ServerLimits, "connections" | "associations">,
  descriptors: number,
): Pick<Socks5ServerLimits, "connections" | "associations"> {
  const usable = Math.max(16, descriptors - RESERVED);
  const associations = Math.min(wanted.associations, Math.floor(usable / 16));
  const left = usable - associations * MORE_PER_ASSOCIATION;
  return { connections: Math.min(wanted.connections, Math.floor(left / PER_RELAY)), associations };
}

/**
 * The hard limit: Deno raises its own to that at start. Infinity where the system does not say.
 */
export function descriptorLimit(): number {
  try {
    const limits = Deno.readTextFileSync("/proc/self/limits");
    const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
    return hard === undefined ? Infinity : Number(hard);
  } catch {
    return Infinity;
  }
}
