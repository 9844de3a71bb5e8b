/**
 * `up`'s device on the host: made, addressed, brought up and routed to, or adopted as it is.
 *
 * Everything belongs to the device, and the device to its descriptor: closing it, or a crash, leaves
 * nothing behind.
 */

import { platform } from "../../ffi/mod.ts";
import type { RouteSocket, TunDevice } from "../../ffi/types.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { TunSettings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import { planDevice } from "./device_plan.ts";
import { applySteps, type HostLog } from "./step.ts";
import { withRoutes } from "./with_routes.ts";
import { tunError, type TunPlace } from "./tun_error.ts";

export interface HostDevice {
  /** The first queue. */
  readonly device: TunDevice;
  readonly queues: readonly TunDevice[];
  /** Those that it has. */
  readonly prefixes: readonly Prefix[];
  /** The commands that would have done the same, in order; none for an adopted device. */
  readonly steps: readonly string[];
  close(): void;
}

/**
 * The device that `settings` ask for, ready to carry packets; so many queues, unless it is adopted: a
 * descriptor is one. On failure nothing is left.
 */
export function setUpDevice(settings: TunSettings, queues: number, log: HostLog): HostDevice {
  if (settings.fd >= 0) return adoptDevice(settings.fd);
  return makeDevice(settings, queues, [], "host", log);
}

/** A new device with so many queues, the settings' addresses and these routes. */
export function makeDevice(
  settings: Omit<TunSettings, "fd">,
  count: number,
  routes: readonly string[],
  place: TunPlace,
  log: HostLog,
): HostDevice {
  const queues = openQueues(settings, count, place);
  const device = queues[0]!;
  const close = () => queues.forEach((queue) => queue.close());
  try {
    const flags = (device.vnet ? " vnet_hdr" : "") + (count > 1 ? " multi_queue" : "");
    const made = `ip tuntap add dev ${device.name} mode tun${flags}`;
    log.debug(`[#] ${made}`);
    const hasIpv6 = hostHasIpv6();
    const steps = planDevice({ device: device.name, tun: settings, routes, hasIpv6 });
    if (!hasIpv6 && settings.addresses.some((text) => text.includes(":"))) {
      log.warn("This kernel runs without IPv6: the tunnel carries IPv4 only");
    }
    const commands = withRoutes((socket) => {
      const link = socket.findLink(device.name)?.index;
      if (link === undefined) throw new UserError(`The device "${device.name}" has vanished`);
      return applySteps(steps, socket, link, log);
    });
    const prefixes = withRoutes((socket) => prefixesOf(device.name, socket));
    return { device, queues, prefixes, steps: [made, ...commands], close };
  } catch (error) {
    close();
    throw error;
  }
}

function openQueues(
  settings: Omit<TunSettings, "fd">,
  count: number,
  place: TunPlace,
): TunDevice[] {
  try {
    return platform.openTunQueues(settings, count);
  } catch (error) {
    throw tunError(error, settings.name, place);
  }
}

function adoptDevice(fd: number): HostDevice {
  const device = platform.adoptTun(fd);
  const [link, prefixes] = withRoutes((socket) =>
    [socket.findLink(device.name), prefixesOf(device.name, socket)] as const
  );
  if (link?.packetInformation) {
    device.close();
    throw new UserError(`Cannot use descriptor ${fd}: it puts packet information before packets`, {
      hint: "Open the device with IFF_NO_PI",
    });
  }
  return { device, queues: [device], prefixes, steps: [], close: () => device.close() };
}

function prefixesOf(device: string, socket: RouteSocket): Prefix[] {
  const link = socket.findLink(device)?.index;
  return socket.addresses().filter((each) => each.link === link)
    .map(({ prefix }) => prefix);
}

export function hostHasIpv6(): boolean {
  try {
    return Deno.statSync("/proc/sys/net/ipv6").isDirectory;
  } catch {
    return false;
  }
}
