/**
 * The demo's client: what runs inside `exec`, and knows nothing of a proxy. It says on stdout, one JSON
 * text per line, what it does and what came of it, and stays until its stdin ends.
 */

import { echoCheck, nameCheck, pingCheck, udpRefusalCheck } from "./datagram_checks.ts";
import type { Datagrams } from "./datagrams.ts";
import { FAMILIES, type Family } from "./plan.ts";
import { type Check, type CheckResult, NotChecked, runCheck } from "./result.ts";
import {
  downloadCheck,
  halfCloseCheck,
  httpByNameCheck,
  httpCheck,
  parallelCheck,
  refusalCheck,
  uploadCheck,
} from "./stream_checks.ts";

/** What the proxy can: all of SOCKS5, or CONNECT only. */
export type Reach = "all" | "tcp-only";

export type ClientMessage =
  | { readonly kind: "running"; readonly name: string }
  | { readonly kind: "result"; readonly result: CheckResult }
  /** All is done, and nothing of it is open. */
  | { readonly kind: "idle" };

export function checksFor(reach: Reach, datagrams: Datagrams): Check[] {
  const each = (make: (family: Family) => Check) =>
    FAMILIES.map((family) => family === 6 ? ifIpv6(make(family)) : make(family));
  if (reach === "tcp-only") {
    return [
      ...each((family) => nameCheck(family, datagrams, "TCP")),
      ...each((family) => udpRefusalCheck(family, datagrams)),
    ];
  }
  return [
    ...each((family) => nameCheck(family, datagrams, "UDP")),
    ...each(httpCheck),
    httpByNameCheck(),
    ...each(halfCloseCheck),
    ...each(refusalCheck),
    ...each((family) => echoCheck(family, datagrams)),
    ...each((family) => pingCheck(family, datagrams)),
    ...each(parallelCheck),
    ...each(uploadCheck),
    ...each(downloadCheck),
  ];
}

function ifIpv6(check: Check): Check {
  const run = () => {
    if (hasIpv6()) return check.run();
    return Promise.reject(new NotChecked("this kernel runs without IPv6"));
  };
  return { ...check, run };
}

function hasIpv6(): boolean {
  try {
    return Deno.statSync("/proc/sys/net/ipv6").isDirectory;
  } catch {
    return false;
  }
}

/** Runs the checks one after the other: none may blur the figures of another. */
export async function runClient(
  reach: Reach,
  datagrams: Datagrams,
  say: (message: ClientMessage) => void,
): Promise<void> {
  for (const check of checksFor(reach, datagrams)) {
    say({ kind: "running", name: check.name });
    say({ kind: "result", result: await runCheck(check) });
  }
  say({ kind: "idle" });
}
