/**
 * Everything that can be set, as one typed value. Flags, environment and file are read into this shape
 * (`definition.ts` says how each member is called there); the rest of the program sees nothing else.
 *
 * Durations are milliseconds, sizes are bytes.
 */

export interface ProxySettings {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
}

export interface TunSettings {
  /** Name of the device; empty lets the kernel choose (ztun0, ztun1 …). */
  name: string;
  /** CIDR texts, IPv4 and IPv6. */
  addresses: string[];
  mtu: number;
  /** An open TUN descriptor to adopt, or -1. */
  fd: number;
  offload: "auto" | "off";
}

/** What of the host's traffic goes into `up`'s tunnel, and what stays outside. */
export interface CaptureSettings {
  /** False: the device is there, and nothing is led into it. */
  routes: boolean;
  /** CIDR texts of what goes in; empty means everything. */
  include: string[];
  /** CIDR texts of what stays outside. */
  bypass: string[];
  /** Whether the networks next to the host stay outside; "auto": yes, but no with `strict`. */
  lan: "auto" | "yes" | "no";
  /** The routing table; 0 takes a free one. */
  table: number;
  /** By which interface leaves what stays outside; empty means as the host routes. */
  interface: string;
  /** Packets and sockets with this mark stay outside. */
  fwmark: number;
  /** The kill switch. */
  strict: boolean;
  /** "auto": the system's resolver is pointed into the tunnel when everything goes there. */
  dns: "auto" | "off";
  /** Whether the tunnel is tried before it counts as ready. */
  probe: boolean;
  /** Everything is undone unless it is confirmed within this time; 0 means that nobody need. */
  confirm: number;
  /** Names, numbers (`1000`) or ranges of numbers (`1000-1999`). */
  onlyUsers: string[];
  exceptUsers: string[];
  /** Paths below the root of cgroup v2, without a slash in front. */
  onlyCgroups: string[];
  exceptCgroups: string[];
  /** Names of processes as the kernel keeps them: up to 15 octets. */
  exceptProcesses: string[];
  /** Where forwarded packets came in; a name that ends in `*` stands for all that begin so. */
  onlyInterfaces: string[];
  exceptInterfaces: string[];
}

export interface DnsSettings {
  /**
   * What `exec` writes into its command's resolv.conf, and to what `up` points the host's resolver;
   * empty means the host's own.
   */
  servers: string[];
}

export interface LimitSettings {
  tcpFlows: number;
  halfOpen: number;
  udpMappings: number;
  /** Bytes that one flow may hold in each direction. */
  flowBytes: number;
  /** Bytes of packet memory in all. */
  totalBytes: number;
  reassemblyPackets: number;
  reassemblyBytes: number;
  /** Datagrams that wait for one UDP association to be made. */
  waitingPackets: number;
  udpAssociations: number;
}

export interface TimeoutSettings {
  tcpIdle: number;
  tcpHalfClosed: number;
  udpIdle: number;
  dns: number;
  /** UDP exchanges of one question and one answer (NTP and the like). */
  udpExchange: number;
  reassembly: number;
  proxyConnect: number;
  proxyHandshake: number;
  grace: number;
}

export interface LogSettings {
  level: "trace" | "debug" | "info" | "warning" | "error";
  format: "text" | "json";
}

/** What `ztun socks` serves. */
export interface SocksSettings {
  /** Where it listens; the host is an address, without brackets. */
  listen: { host: string; port: number };
  /** Both or neither: with them, a client must sign in. */
  user: string | undefined;
  password: string | undefined;
  /** Whether UDP ASSOCIATE is served. */
  udp: boolean;
}

export interface Settings {
  proxy: ProxySettings | undefined;
  tun: TunSettings;
  capture: CaptureSettings;
  dns: DnsSettings;
  limits: LimitSettings;
  timeouts: TimeoutSettings;
  /** How packets and sockets are driven; "auto" takes the fastest that the system allows. */
  engine: "auto" | "async" | "uring";
  /** Queues of `up`'s device; with more than one, each has a thread. Limits are those of all together. */
  workers: number;
  /** "answer": ztun answers echo requests itself; "refuse": administratively prohibited. */
  ping: "answer" | "refuse";
  /** Answer a SYN before the proxy has connected. */
  earlyAccept: boolean;
  /** "auto" finds out whether the proxy relays UDP; "off" never asks it to. */
  udp: "auto" | "off";
  socks: SocksSettings;
  log: LogSettings;
  color: "auto" | "always" | "never";
}

export function defaultSettings(): Settings {
  return {
    proxy: undefined,
    tun: {
      name: "",
      addresses: ["198.18.0.1/30", "fd7a:7475:6e00::1/126"],
      mtu: 1500,
      fd: -1,
      offload: "auto",
    },
    capture: {
      routes: true,
      include: [],
      bypass: [],
      lan: "auto",
      table: 0,
      interface: "",
      fwmark: 0x7a74,
      strict: false,
      dns: "auto",
      probe: true,
      confirm: 0,
      onlyUsers: [],
      exceptUsers: [],
      onlyCgroups: [],
      exceptCgroups: [],
      exceptProcesses: [],
      onlyInterfaces: [],
      exceptInterfaces: [],
    },
    dns: { servers: [] },
    limits: {
      tcpFlows: 65_536,
      halfOpen: 4_096,
      udpMappings: 16_384,
      flowBytes: 1 << 20,
      totalBytes: 256 << 20,
      reassemblyPackets: 256,
      reassemblyBytes: 4 << 20,
      waitingPackets: 64,
      udpAssociations: 1_024,
    },
    timeouts: {
      tcpIdle: 7_200_000,
      tcpHalfClosed: 60_000,
      udpIdle: 60_000,
      dns: 10_000,
      udpExchange: 30_000,
      reassembly: 15_000,
      proxyConnect: 10_000,
      proxyHandshake: 130_000,
      grace: 5_000,
    },
    engine: "auto",
    workers: 1,
    ping: "answer",
    earlyAccept: false,
    udp: "auto",
    socks: {
      listen: { host: "127.0.0.1", port: 1080 },
      user: undefined,
      password: undefined,
      udp: true,
    },
    log: { level: "info", format: "text" },
    color: "auto",
  };
}
