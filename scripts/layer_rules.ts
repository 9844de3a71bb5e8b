/**
 * The import law of the tree, as data. A file belongs to the first layer whose prefix it starts with, so
 * narrower prefixes stand before wider ones; `may` lists the layers it may import besides its own.
 */

export interface Layer {
  name: string;
  /** A folder (ends in a slash) or one file. */
  prefixes: readonly string[];
  may: readonly string[];
  /** Layers of which only types may be imported. */
  mayTypes?: readonly string[];
  /** Packages, by the name in `deno.json`. */
  packages?: readonly string[];
  /** Bytes, events and `now` in; bytes, events and the next deadline out; no I/O of its own. */
  pure?: boolean;
}

const CORE = ["wire", "stack", "dns", "router", "outbound"] as const;

export const LAYERS: readonly Layer[] = [
  {
    name: "log",
    prefixes: ["src/log.ts", "src/log/"],
    may: ["base", "config"],
    packages: ["@logtape/logtape"],
  },
  {
    name: "base",
    prefixes: [
      "src/bytes.ts",
      "src/errors.ts",
      "src/arena.ts",
      "src/slot_pool.ts",
      "src/free_slots.ts",
      "src/ranges.ts",
      "src/counters.ts",
      "src/figures.ts",
      "src/packet_output.ts",
    ],
    may: ["addr"],
  },
  { name: "addr", prefixes: ["src/addr/"], may: ["base"], pure: true },
  { name: "wire", prefixes: ["src/wire/"], may: ["base", "addr"], pure: true },
  { name: "stack", prefixes: ["src/stack/"], may: ["base", "addr", "wire"], pure: true },
  { name: "dns", prefixes: ["src/dns/"], may: ["base", "addr", "wire"], pure: true },
  { name: "outbound", prefixes: ["src/outbound/"], may: ["base", "addr", "wire"], pure: true },
  { name: "router", prefixes: ["src/router/"], may: ["addr"], mayTypes: ["config"], pure: true },
  { name: "config", prefixes: ["src/config/"], may: ["base", "addr"] },
  { name: "ffi", prefixes: ["ffi/"], may: ["ffi-base", "addr"] },
  {
    name: "tun_link",
    prefixes: ["src/link/tun_link.ts"],
    may: ["link", "base", "addr", "wire", "log", "ffi"],
  },
  { name: "link", prefixes: ["src/link/"], may: ["base", "addr", "wire", "log"] },
  { name: "netmon", prefixes: ["src/netmon/"], may: ["base", "addr", "log", "ffi"] },
  {
    name: "host",
    prefixes: ["src/host/"],
    may: ["base", "addr", "log", "config", "netmon", "ffi"],
  },
  {
    name: "engine",
    prefixes: ["src/engine/"],
    may: ["base", "addr", "log", "config", ...CORE, "link", "tun_link", "netmon", "ffi"],
  },
  { name: "manifest", prefixes: ["deno.json"], may: [] },
  { name: "version", prefixes: ["src/version.ts"], may: ["manifest"] },
  {
    name: "tunnel",
    prefixes: ["src/tunnel/"],
    may: ["base", "addr", "log", "config", "dns", "engine", "control", "ffi", "version"],
  },
  {
    name: "capture",
    prefixes: ["src/capture/"],
    may: ["base", "addr", "wire", "log", "config", "host", "netmon", "dns", "tunnel", "ffi"],
    mayTypes: ["engine", "control"],
  },
  { name: "control", prefixes: ["src/control/"], may: ["base", "addr", "log", "config"] },
  {
    name: "socks_server",
    prefixes: ["src/socks_server/"],
    may: ["base", "addr", "wire", "log", "ffi"],
  },
  { name: "demo", prefixes: ["src/demo/"], may: ["base", "addr", "wire", "log"] },
  {
    name: "commands",
    prefixes: ["src/cli/commands/"],
    may: [
      ...["cli", "base", "addr", "log", "config", "control", "host", "netmon", "engine", "tunnel"],
      ...["capture", "socks_server", "demo", "ffi", "version"],
    ],
    packages: ["@std/cli/parse-args"],
  },
  {
    name: "cli",
    prefixes: ["src/cli/"],
    may: ["commands", "base", "addr", "log", "config", "control"],
    packages: ["@std/cli/parse-args"],
  },
  { name: "main", prefixes: ["main.ts"], may: ["cli", "base"] },
];

/** Of the base layer, what the unsafe edge may use: it knows neither packets nor time. */
export const FFI_BASE = ["src/errors.ts", "src/bytes.ts"];

/** What a pure layer must be given instead of taking it: I/O, timers, promises, clocks, randomness. */
export const IMPURE: readonly RegExp[] = [
  /\bDeno\s*\./g,
  /\bset(?:Timeout|Interval|Immediate)\b/g,
  /\bqueueMicrotask\b/g,
  /\bDate\b/g,
  /\bPromise\b/g,
  /\basync\b/g,
  /\bawait\b/g,
  /\bMath\s*\.\s*random\b/g,
  /\bperformance\b/g,
  /\bcrypto\b/g,
  /\bfetch\s*\(/g,
  /\bconsole\b/g,
];
