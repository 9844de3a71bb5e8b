/** The settings of the whole-host capture: the part of the definition table that `up` alone takes. */

import type { Setting, ValueType } from "./definition.ts";

const LARGEST_U32 = 0xffff_ffff;
const DAY = 86_400_000;

/** A list of `capture`; `member` is its name there. */
function list(
  member: string,
  flag: string,
  kind: "network" | "account" | "cgroup" | "process" | "interface",
  value: string,
  meaning: string,
  otherwise: string,
): Setting {
  const type: ValueType = { kind };
  return { ...capture(member, flag, type, meaning), list: true, value, otherwise };
}

function capture(member: string, flag: string, type: ValueType, meaning: string): Setting {
  const env = `ZTUN_${member.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  return { key: `capture.${member}`, flag, env, type, group: "capture", meaning };
}

export const captureTable: readonly Setting[] = [
  {
    ...capture(
      "routes",
      "no-routes",
      { kind: "switch" },
      "Lead the host's traffic into the tunnel",
    ),
    negated: "Make the device, and lead nothing into it",
  },
  list(
    "include",
    "include",
    "network",
    "CIDR|@FILE",
    "Lead only this network into the tunnel, or those of a file with one a line",
    "everything",
  ),
  list(
    "bypass",
    "bypass",
    "network",
    "CIDR|@FILE",
    "Leave this network outside the tunnel, or those of a file",
    "none",
  ),
  {
    ...capture(
      "lan",
      "lan",
      { kind: "choice", choices: ["auto", "yes", "no"] },
      "Leave the networks next to this host outside (auto: not with --strict)",
    ),
    value: "WHEN",
  },
  {
    ...capture(
      "table",
      "table",
      { kind: "count", min: 0, max: LARGEST_U32 },
      "Routing table for the tunnel's routes; 0 takes a free one",
    ),
    value: "N",
    otherwise: "a free one",
  },
  {
    ...capture(
      "interface",
      "interface",
      { kind: "device" },
      "Interface by which leaves what stays outside",
    ),
    value: "NAME",
    otherwise: "as the host routes",
  },
  {
    ...capture(
      "fwmark",
      "fwmark",
      { kind: "mark", min: 1, max: LARGEST_U32 },
      "Mark of packets and sockets that stay outside",
    ),
    value: "N",
  },
  capture(
    "strict",
    "strict",
    { kind: "switch" },
    "Let nothing out but by the tunnel, even when ztun dies, until `ztun down`",
  ),
  {
    ...capture(
      "dns",
      "dns",
      { kind: "choice", choices: ["auto", "off"] },
      "Point the system's resolver into the tunnel when everything goes there, or never",
    ),
    value: "MODE",
  },
  {
    ...capture("probe", "no-probe", { kind: "switch" }, "Try the tunnel before it is ready"),
    negated: "Do not try the tunnel before it is ready",
  },
  {
    ...capture(
      "confirm",
      "confirm",
      { kind: "duration", min: 0, max: DAY },
      "Undo everything unless `ztun confirm` comes within this time",
    ),
    value: "TIME",
    otherwise: "off",
  },
  list(
    "onlyUsers",
    "only-user",
    "account",
    "USER",
    "Lead only what this user sends into the tunnel: a name, a number, or a range as 1000-1999",
    "everybody",
  ),
  list(
    "exceptUsers",
    "except-user",
    "account",
    "USER",
    "Leave outside what this user sends",
    "nobody",
  ),
  list(
    "onlyCgroups",
    "only-cgroup",
    "cgroup",
    "PATH",
    "Lead only what is sent from this control group, or below it, into the tunnel",
    "all",
  ),
  list(
    "exceptCgroups",
    "except-cgroup",
    "cgroup",
    "PATH",
    "Leave outside what is sent from this control group, or below it",
    "none",
  ),
  list(
    "exceptProcesses",
    "except-process",
    "process",
    "NAME",
    "Leave outside what processes of this name send",
    "none",
  ),
  list(
    "onlyInterfaces",
    "only-interface",
    "interface",
    "NAME",
    "Of what is forwarded, lead only what came in here into the tunnel; docker* for all so named",
    "all",
  ),
  list(
    "exceptInterfaces",
    "except-interface",
    "interface",
    "NAME",
    "Leave outside what is forwarded and came in here",
    "none",
  ),
];
