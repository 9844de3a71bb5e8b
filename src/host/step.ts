/**
 * One change to a device of ours: what it is called, the command that would do the same, and doing it.
 *
 * A plan is a list of steps. Printing it is the dry run; applying it logs each command as `[#] …`. All
 * of them vanish with the device, so there is nothing to undo.
 */

import { Errno, SysError } from "../../ffi/libc.ts";
import type { RouteSocket } from "../../ffi/types.ts";
import { formatPrefix, type Prefix } from "../addr/prefix.ts";
import { Exit, UserError } from "../errors.ts";

/** Where steps say what they do; a logger is one. */
export interface HostLog {
  debug(message: string): void;
  warn(message: string): void;
}

export interface HostStep {
  /** Completes "Cannot …". */
  readonly what: string;
  /** The command that does the same. */
  readonly command: string;
  apply(routes: RouteSocket, link: number): void;
}

export function addressStep(device: string, prefix: Prefix): HostStep {
  const text = formatPrefix(prefix);
  const flags = prefix.address.length === 16 ? " nodad" : "";
  return {
    what: `add the address ${text} to "${device}"`,
    command: `ip address add ${text} dev ${device}${flags}`,
    apply: (routes, link) => routes.addAddress({ link, prefix }),
  };
}

export function mtuStep(device: string, mtu: number): HostStep {
  return {
    what: `set the MTU of "${device}" to ${mtu}`,
    command: `ip link set dev ${device} mtu ${mtu}`,
    apply: (routes, link) => routes.setMtu(link, mtu),
  };
}

/** How many packets may wait for us; the kernel's own 500 are one burst of one program. */
export function queueStep(device: string, packets: number): HostStep {
  return {
    what: `let ${packets} packets wait on "${device}"`,
    command: `ip link set dev ${device} txqueuelen ${packets}`,
    apply: (routes, link) => routes.setTxQueueLength(link, packets),
  };
}

export function upStep(device: string): HostStep {
  return {
    what: `bring "${device}" up`,
    command: `ip link set dev ${device} up`,
    apply: (routes, link) => routes.setUp(link, true),
  };
}

export function routeStep(device: string, destination: Prefix): HostStep {
  const text = formatPrefix(destination);
  return {
    what: `add the route ${text} through "${device}"`,
    command: `ip route add ${text} dev ${device} proto static`,
    apply: (routes, link) => routes.addRoute({ destination, link }),
  };
}

/** A kernel setting that only makes things quieter: where it cannot be set, nothing else changes. */
export function quietStep(path: string, value: string): HostStep {
  return {
    what: `set ${path}`,
    command: `sysctl --ignore --write ${path}=${value}`,
    apply() {
      try {
        Deno.writeTextFileSync(`/proc/sys/${path}`, value, { create: false });
      } catch {
        // Not in this kernel, or a /proc/sys that is read-only, as in many containers.
      }
    },
  };
}

/** Applies the steps in order; gives their commands. The first that fails ends it, by name. */
export function applySteps(
  steps: readonly HostStep[],
  routes: RouteSocket,
  link: number,
  log: HostLog,
): string[] {
  return steps.map((step) => {
    log.debug(`[#] ${step.command}`);
    try {
      step.apply(routes, link);
    } catch (error) {
      throw stepError(step, error);
    }
    return step.command;
  });
}

function stepError(step: HostStep, cause: unknown): unknown {
  if (!(cause instanceof SysError)) return cause;
  const message = `Cannot ${step.what}`;
  switch (cause.code) {
    case Errno.EPERM:
      return new UserError(message, {
        cause,
        exitCode: Exit.Permission,
        hint: "Run the same command as root, with `sudo` in front",
      });
    case Errno.EEXIST:
      return new UserError(message, {
        cause,
        hint: "It is there already: see `ip address` and `ip route`",
      });
    default:
      return new UserError(message, { cause, hint: `See what \`sudo ${step.command}\` says` });
  }
}
