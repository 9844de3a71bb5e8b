/**
 * The facilities of the operating system that the program runs on, chosen once.
 */

import { NetlinkEvents } from "./netlink_events_linux.ts";
import { NetlinkRouteSocket } from "./netlink_linux.ts";
import { suspendedMs } from "./suspend_linux.ts";
import * as linuxTun from "./tun_linux.ts";
import type { NetworkEvents, RouteSocket, TunDevice, TunOptions } from "./types.ts";
import { unsupported } from "./unsupported.ts";

/** What there is one of per operating system. */
export interface Platform {
  /** A device with so many queues. */
  openTunQueues(options: TunOptions, count: number): TunDevice[];
  adoptTun(fd: number): TunDevice;
  openRouteSocket(): RouteSocket;
  openNetworkEvents(): NetworkEvents;
  /** How long the machine has slept since its start. */
  suspendedMs(): number;
  /** Throws when there are no namespaces to run a command in. */
  requireNamespaces(): void;
}

const linux: Platform = {
  openTunQueues: linuxTun.openTunQueues,
  adoptTun: linuxTun.adoptTun,
  openRouteSocket: () => new NetlinkRouteSocket(),
  openNetworkEvents: () => new NetlinkEvents(),
  suspendedMs,
  requireNamespaces() {},
};

/** The facilities of `system`; on one without code, each throws a `UserError` that says so. */
export function platformOf(system: string): Platform {
  if (system === "linux") return linux;
  return {
    openTunQueues() {
      throw unsupported("TUN devices", system);
    },
    adoptTun() {
      throw unsupported("TUN devices", system);
    },
    openRouteSocket() {
      throw unsupported("Changes to routes", system);
    },
    openNetworkEvents() {
      throw unsupported("Changes of the network", system);
    },
    suspendedMs() {
      throw unsupported("Times of sleep", system);
    },
    requireNamespaces() {
      throw unsupported("Network namespaces", system);
    },
  };
}

export const platform: Platform = platformOf(Deno.build.os);
