/**
 * The facilities of the operating system that the program runs on, chosen once.
 */

import { NetlinkRouteSocket } from "./netlink_linux.ts";
import * as linuxTun from "./tun_linux.ts";
import type { RouteSocket, TunDevice, TunOptions } from "./types.ts";
import { unsupported } from "./unsupported.ts";

/** What there is one of per operating system. */
export interface Platform {
  /** A device with so many queues. */
  openTunQueues(options: TunOptions, count: number): TunDevice[];
  adoptTun(fd: number): TunDevice;
  openRouteSocket(): RouteSocket;
  /** Throws when there are no namespaces to run a command in. */
  requireNamespaces(): void;
}

const linux: Platform = {
  openTunQueues: linuxTun.openTunQueues,
  adoptTun: linuxTun.adoptTun,
  openRouteSocket: () => new NetlinkRouteSocket(),
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
    requireNamespaces() {
      throw unsupported("Network namespaces", system);
    },
  };
}

export const platform: Platform = platformOf(Deno.build.os);
