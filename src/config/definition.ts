/**
 * Every setting, once: its key in the file, its flag, its variable, its type, what it means. Flags,
 * environment, configuration file, JSON Schema, help and the README's reference are made from this
 * table (a part of it stands in `capture_definition.ts`); defaults come from `defaultSettings()`.
 *
 * A key is the path of a member of `Settings`. The exceptions are the few that are put together from
 * parts: `proxy.*` (see `proxy_settings.ts`), and `socks.passwordFile`.
 */

import { captureTable } from "./capture_definition.ts";

export type ValueType =
  | { kind: "count" | "size" | "duration" | "mark"; min: number; max: number }
  | { kind: "choice"; choices: readonly string[] }
  | { kind: "switch" }
  | {
    kind:
      | "device"
      | "prefix"
      | "network"
      | "address"
      | "endpoint"
      | "proxy"
      | "user"
      | "secret"
      | "file"
      | "account"
      | "cgroup"
      | "interface"
      | "process";
  };

/** Which flags a command takes; also the headings of the help. */
export type SettingGroup =
  | "proxy"
  | "device"
  | "host"
  | "capture"
  | "dns"
  | "tunnel"
  | "limits"
  | "timeouts"
  | "server"
  | "common";

export interface Setting {
  /** Path in the file, and in `Settings`. */
  key: string;
  /** Without dashes; none for what may not stand on a command line. */
  flag?: string;
  env: string;
  type: ValueType;
  /** A list: the flag repeats, the variable is separated by commas, the file has an array. */
  list?: true;
  /** The flag is a switch that says the opposite of the key (`--no-udp`): its meaning. */
  negated?: string;
  group: SettingGroup;
  /** Placeholder of the value; none for switches. */
  value?: string;
  meaning: string;
  /** What the help shows when there is no default value. */
  otherwise?: string;
}

export const groupTitles: Readonly<Record<SettingGroup, string>> = {
  proxy: "PROXY FLAGS",
  device: "DEVICE FLAGS",
  host: "HOST FLAGS",
  capture: "CAPTURE FLAGS",
  dns: "RESOLVER FLAGS",
  tunnel: "TUNNEL FLAGS",
  limits: "LIMITS",
  timeouts: "TIMEOUTS",
  server: "SERVER FLAGS",
  common: "COMMON FLAGS",
};

/** Timers take no more than 2^31 - 1 milliseconds. */
const LONGEST = 24 * 86_400_000;
const KIB = 1 << 10;
const MIB = 1 << 20;
const GIB = 1 << 30;

function count(min: number, max: number): ValueType {
  return { kind: "count", min, max };
}

function size(min: number, max: number): ValueType {
  return { kind: "size", min, max };
}

function duration(min: number): ValueType {
  return { kind: "duration", min, max: LONGEST };
}

function choice(...choices: string[]): ValueType {
  return { kind: "choice", choices };
}

function limit(name: string, flag: string, type: ValueType, meaning: string): Setting {
  const value = type.kind === "size" ? "SIZE" : "N";
  return { key: `limits.${name}`, flag, env: envName(flag), type, group: "limits", value, meaning };
}

function timeout(name: string, flag: string, min: number, meaning: string): Setting {
  const env = envName(flag);
  const type = duration(min);
  return { key: `timeouts.${name}`, flag, env, type, group: "timeouts", value: "TIME", meaning };
}

function envName(flag: string): string {
  return `ZTUN_${flag.replaceAll("-", "_").toUpperCase()}`;
}

const proxy: readonly Setting[] = [
  {
    key: "proxy.socks",
    flag: "socks",
    env: "ZTUN_SOCKS",
    type: { kind: "endpoint" },
    group: "proxy",
    value: "HOST:PORT",
    meaning: "SOCKS5 proxy; an IPv6 address in brackets",
  },
  {
    key: "proxy.url",
    flag: "proxy",
    env: "ZTUN_PROXY",
    type: { kind: "proxy" },
    group: "proxy",
    value: "URL",
    meaning: "The same as socks5://[user[:password]@]host[:port], percent-encoded",
  },
  {
    key: "proxy.user",
    flag: "user",
    env: "ZTUN_USER",
    type: { kind: "user" },
    group: "proxy",
    value: "NAME",
    meaning: "User name for the proxy",
  },
  {
    key: "proxy.passwordFile",
    flag: "password-file",
    env: "ZTUN_PASSWORD_FILE",
    type: { kind: "file" },
    group: "proxy",
    value: "FILE",
    meaning: "File whose first line is the password for the proxy",
  },
  {
    key: "proxy.password",
    env: "ZTUN_PASSWORD",
    type: { kind: "secret" },
    group: "proxy",
    value: "PASSWORD",
    meaning: "Password for the proxy; no flag, because everybody may read a command line",
  },
];

const host: readonly Setting[] = [
  {
    key: "tun.name",
    flag: "tun",
    env: "ZTUN_TUN",
    type: { kind: "device" },
    group: "host",
    value: "NAME",
    meaning: "Name of the device",
    otherwise: "the first free of ztun0, ztun1 ...",
  },
  {
    key: "tun.fd",
    flag: "tun-fd",
    env: "ZTUN_TUN_FD",
    type: count(0, 0x7fff_ffff),
    group: "host",
    value: "N",
    meaning: "Adopt this open TUN descriptor instead of making a device",
    otherwise: "make a device",
  },
  {
    key: "workers",
    flag: "workers",
    env: "ZTUN_WORKERS",
    type: count(1, 64),
    group: "host",
    value: "N",
    meaning: "Threads that serve the device, each with a queue of its own; they share the limits",
  },
];

const device: readonly Setting[] = [
  {
    key: "tun.addresses",
    flag: "address",
    env: "ZTUN_ADDRESSES",
    type: { kind: "prefix" },
    list: true,
    group: "device",
    value: "CIDR",
    meaning: "Address of the device with its prefix length",
  },
  {
    key: "tun.mtu",
    flag: "mtu",
    env: "ZTUN_MTU",
    type: count(1280, 65_535),
    group: "device",
    value: "N",
    meaning: "Largest packet of the device, in bytes",
  },
  {
    key: "tun.offload",
    flag: "offload",
    env: "ZTUN_OFFLOAD",
    type: choice("auto", "off"),
    group: "device",
    value: "MODE",
    meaning: "Let the kernel hand over segments of up to 64 KiB, as far as it can",
  },
];

const tunnel: readonly Setting[] = [
  {
    key: "engine",
    flag: "engine",
    env: "ZTUN_ENGINE",
    type: choice("auto", "async", "uring"),
    group: "tunnel",
    value: "ENGINE",
    meaning:
      "Drive packets and sockets by io_uring where the system allows it, or by Deno's own I/O",
  },
  {
    key: "ping",
    flag: "ping",
    env: "ZTUN_PING",
    type: choice("answer", "refuse"),
    group: "tunnel",
    value: "MODE",
    meaning: "Answer echo requests here, or refuse them as prohibited",
  },
  {
    key: "earlyAccept",
    flag: "early-accept",
    env: "ZTUN_EARLY_ACCEPT",
    type: { kind: "switch" },
    group: "tunnel",
    meaning: "Accept a TCP connection before the proxy has connected it",
  },
  {
    key: "udp",
    flag: "udp",
    env: "ZTUN_UDP",
    type: choice("auto", "off"),
    group: "tunnel",
    value: "MODE",
    meaning: "Carry UDP if the proxy relays it, or never ask it to",
  },
];

const dns: readonly Setting[] = [
  {
    key: "dns.servers",
    flag: "dns-server",
    env: "ZTUN_DNS_SERVERS",
    type: { kind: "address" },
    list: true,
    group: "dns",
    value: "IP",
    meaning: "DNS server of the command, or of the host while `up` runs",
    otherwise: "the host's, or 1.1.1.1 and its IPv6 twin where those are on loopback",
  },
];

const limits: readonly Setting[] = [
  limit("tcpFlows", "max-tcp-flows", count(1, 1_000_000), "TCP flows; beyond, the idlest one goes"),
  limit("halfOpen", "max-half-open", count(1, 1_000_000), "TCP flows that are not yet open"),
  limit(
    "udpMappings",
    "max-udp-mappings",
    count(1, 1_000_000),
    "UDP mappings; beyond, the least recently used goes",
  ),
  limit(
    "udpAssociations",
    "max-udp-associations",
    count(1, 65_535),
    "UDP associations with the proxy",
  ),
  limit(
    "flowBytes",
    "max-flow-bytes",
    size(64 * KIB, GIB),
    "Bytes that one flow may hold each way",
  ),
  limit("totalBytes", "max-total-bytes", size(8 * MIB, 2 * GIB), "Packet memory in all"),
  limit(
    "reassemblyPackets",
    "max-reassembly-packets",
    count(0, 65_536),
    "Fragmented packets put together at a time",
  ),
  limit(
    "reassemblyBytes",
    "max-reassembly-bytes",
    size(64 * KIB, GIB),
    "Bytes of fragments kept at a time",
  ),
  limit(
    "waitingPackets",
    "max-waiting-packets",
    count(1, 65_536),
    "Datagrams that wait for one association to be made",
  ),
];

const timeouts: readonly Setting[] = [
  timeout("tcpIdle", "tcp-idle-timeout", 1_000, "Ends a TCP flow on which nothing moves"),
  timeout(
    "tcpHalfClosed",
    "tcp-half-closed-timeout",
    1_000,
    "Ends a TCP flow that is closed in one direction",
  ),
  timeout("udpIdle", "udp-idle-timeout", 1_000, "Forgets a UDP mapping that is not used"),
  timeout("udpExchange", "udp-exchange-timeout", 1_000, "The same, after one question and answer"),
  timeout("dns", "dns-timeout", 100, "Gives up a DNS query"),
  timeout("reassembly", "reassembly-timeout", 100, "Gives up a fragmented packet"),
  timeout("proxyConnect", "proxy-connect-timeout", 100, "Gives up connecting to the proxy"),
  timeout(
    "proxyHandshake",
    "proxy-handshake-timeout",
    100,
    "Gives up waiting for the proxy's answer",
  ),
  timeout("grace", "grace", 0, "How long live flows may take to end at the stop"),
];

const server: readonly Setting[] = [
  {
    key: "socks.listen",
    flag: "listen",
    env: "ZTUN_SOCKS_LISTEN",
    type: { kind: "endpoint" },
    group: "server",
    value: "IP:PORT",
    meaning: "Where to listen; port 0 takes a free one",
  },
  {
    key: "socks.user",
    flag: "user",
    env: "ZTUN_SOCKS_USER",
    type: { kind: "user" },
    group: "server",
    value: "NAME",
    meaning: "User name that a client must give",
    otherwise: "everybody may use it",
  },
  {
    key: "socks.passwordFile",
    flag: "password-file",
    env: "ZTUN_SOCKS_PASSWORD_FILE",
    type: { kind: "file" },
    group: "server",
    value: "FILE",
    meaning: "File whose first line is the password that a client must give",
  },
  {
    key: "socks.password",
    env: "ZTUN_SOCKS_PASSWORD",
    type: { kind: "secret" },
    group: "server",
    value: "PASSWORD",
    meaning: "The same password; no flag, because everybody may read a command line",
  },
  {
    key: "socks.udp",
    flag: "no-udp",
    env: "ZTUN_SOCKS_UDP",
    type: { kind: "switch" },
    negated: "Do not serve UDP ASSOCIATE",
    group: "server",
    meaning: "Serve UDP ASSOCIATE",
  },
];

const common: readonly Setting[] = [
  {
    key: "log.level",
    flag: "log-level",
    env: "ZTUN_LOG_LEVEL",
    type: choice("trace", "debug", "info", "warning", "error"),
    group: "common",
    value: "LEVEL",
    meaning: "What is logged, on stderr",
  },
  {
    key: "log.format",
    flag: "log-format",
    env: "ZTUN_LOG_FORMAT",
    type: choice("text", "json"),
    group: "common",
    value: "FORMAT",
    meaning: "How it is logged",
  },
  {
    key: "color",
    flag: "color",
    env: "ZTUN_COLOR",
    type: choice("auto", "always", "never"),
    group: "common",
    value: "WHEN",
    meaning: "Colours in the output; auto heeds NO_COLOR and TERM",
  },
];

/** All of them, in the order of the help and of `ztun check`. */
export const settingTable: readonly Setting[] = [
  ...proxy,
  ...host,
  ...captureTable,
  ...dns,
  ...device,
  ...tunnel,
  ...limits,
  ...timeouts,
  ...server,
  ...common,
];

const byKey = new Map(settingTable.map((setting) => [setting.key, setting]));

export function findSetting(key: string): Setting | undefined {
  return byKey.get(key);
}

/** The settings that a command with these groups takes as flags. */
export function settingsOf(groups: readonly SettingGroup[]): readonly Setting[] {
  return groups.flatMap((group) => settingTable.filter((setting) => setting.group === group));
}
