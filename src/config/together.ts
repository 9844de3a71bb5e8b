/** What no single value can break: settings that do not go together. */

import { Exit, UserError } from "../errors.ts";
import { findSetting } from "./definition.ts";
import { nameIn, type Source } from "./layer.ts";
import { parseUserNumbers } from "./names.ts";
import { printable, quote, quoteName } from "./quote.ts";
import type { CaptureSettings, Settings } from "./settings.ts";
import { formatSize } from "./units.ts";

type Sources = ReadonlyMap<string, Source>;

export function checkTogether(settings: Settings, sources: Sources): void {
  checkLimits(settings);
  checkDevice(settings);
  checkRouting(settings, sources);
  checkWithoutRoutes(settings.capture, sources);
  for (const pair of OPPOSITES) checkOpposites(settings.capture, pair, sources);
}

function refuse(message: string, hint: string): never {
  throw new UserError(message, { exitCode: Exit.Usage, hint });
}

/** The setting as it is called where it was said. */
function nameOf(key: string, sources: Sources): string {
  const setting = findSetting(key);
  return setting === undefined ? key : nameIn(sources.get(key) ?? "default", setting);
}

function checkLimits({ limits }: Settings): void {
  for (const name of ["flowBytes", "reassemblyBytes"] as const) {
    if (limits[name] <= limits.totalBytes) continue;
    const [part, whole] = [formatSize(limits[name]), formatSize(limits.totalBytes)];
    throw new UserError(
      `"limits.${name}" (${part}) is more than "limits.totalBytes" (${whole})`,
      { exitCode: Exit.Usage },
    );
  }
}

function checkDevice({ tun, workers }: Settings): void {
  if (tun.fd >= 0 && tun.name !== "") {
    refuse(
      `Cannot name the adopted device ${quote(tun.name)}: it has a name`,
      "Say --tun or --tun-fd, not both",
    );
  }
  if (tun.fd >= 0 && workers > 1) {
    refuse(
      `Cannot serve an adopted device with ${workers} workers`,
      "A descriptor is one queue: leave out --workers, or let ztun make the device",
    );
  }
}

/** default, main and local (RT_TABLE_*): routes in there would not be ours alone. */
const SYSTEM_TABLES = [253, 254, 255];

function checkRouting({ capture, tun }: Settings, sources: Sources): void {
  if (SYSTEM_TABLES.includes(capture.table)) {
    const where = nameOf("capture.table", sources);
    refuse(
      `Invalid value for ${where}: ${capture.table} is a table of the system's own`,
      `Leave out ${where}: ztun takes a free one`,
    );
  }
  if (capture.interface !== "" && capture.interface === tun.name) {
    const [where, device] = ["capture.interface", "tun.name"].map((key) => nameOf(key, sources));
    refuse(
      `Cannot leave by ${quote(tun.name)}: that is the tunnel's own device`,
      `${where} is the way around the tunnel: give another name there, or to ${device}`,
    );
  }
}

/** What says which way packets go, and so needs routes. */
const ROUTED = [
  "include",
  "bypass",
  "strict",
  "onlyUsers",
  "exceptUsers",
  "onlyCgroups",
  "exceptCgroups",
  "exceptProcesses",
  "onlyInterfaces",
  "exceptInterfaces",
] as const;

function checkWithoutRoutes(capture: CaptureSettings, sources: Sources): void {
  if (capture.routes) return;
  for (const name of ROUTED) {
    const value = capture[name];
    if (typeof value === "boolean" ? !value : value.length === 0) continue;
    const routes = nameOf("capture.routes", sources);
    refuse(
      `${routes} and ${nameOf(`capture.${name}`, sources)} exclude each other`,
      `Leave out ${routes}: ztun then makes the routes`,
    );
  }
}

/** Two lists of which one takes everything from an item of the other. */
interface Opposites {
  what: string;
  wanted: "include" | "onlyUsers" | "onlyCgroups" | "onlyInterfaces";
  unwanted: "bypass" | "exceptUsers" | "exceptCgroups" | "exceptInterfaces";
  /** Whether nothing is left of the wanted item. */
  covers(unwanted: string, wanted: string): boolean;
}

const OPPOSITES: readonly Opposites[] = [
  {
    what: "network",
    wanted: "include",
    unwanted: "bypass",
    // A wider network outside is no contradiction: the narrower one has the say.
    covers: (unwanted, wanted) => unwanted === wanted,
  },
  { what: "user", wanted: "onlyUsers", unwanted: "exceptUsers", covers: coversUsers },
  {
    what: "control group",
    wanted: "onlyCgroups",
    unwanted: "exceptCgroups",
    covers: (unwanted, wanted) => `${wanted}/`.startsWith(`${unwanted}/`),
  },
  {
    what: "interface",
    wanted: "onlyInterfaces",
    unwanted: "exceptInterfaces",
    covers: (unwanted, wanted) =>
      unwanted === wanted || (unwanted.endsWith("*") && wanted.startsWith(unwanted.slice(0, -1))),
  },
];

function coversUsers(unwanted: string, wanted: string): boolean {
  const [wide, narrow] = [parseUserNumbers(unwanted), parseUserNumbers(wanted)];
  if (wide === undefined || narrow === undefined) return unwanted === wanted;
  return wide.from <= narrow.from && narrow.to <= wide.to;
}

function checkOpposites(
  capture: CaptureSettings,
  { what, wanted, unwanted, covers }: Opposites,
  sources: Sources,
): void {
  for (const item of capture[wanted]) {
    const other = capture[unwanted].find((other) => covers(other, item));
    if (other === undefined) continue;
    const [inside, outside] = [wanted, unwanted].map((name) => nameOf(`capture.${name}`, sources));
    refuse(
      `The ${what} ${quoteName(item)} is to go into the tunnel (${inside}) and to stay outside ` +
        `(${outside} ${printable(other)})`,
      "Leave out one of the two",
    );
  }
}
