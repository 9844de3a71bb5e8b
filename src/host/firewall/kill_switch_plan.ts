/**
 * The kill switch: nothing leaves this host but by the tunnel, to the proxy, or what keeps the link alive.
 *
 * It belongs to no process. It stays when ztun dies, and until its table is deleted.
 *
 *     output       refuses at once and with an answer, so that programs need not wait
 *     forward      the same for other machines and containers
 *     postrouting  what got past: a packet may be routed anew behind the first look, and only here is it
 *                  known for certain by which device it leaves
 */

import { type Address, parseAddress } from "../../addr/address.ts";
import {
  comparePrefixes,
  networkOf,
  parsePrefix,
  type Prefix,
  prefixContains,
} from "../../addr/prefix.ts";
import {
  accept,
  back,
  type Chain,
  CONTINUES,
  counted,
  drop,
  has,
  hasMark,
  inSet,
  is,
  IS_DNS,
  jump,
  type Mark,
  type Match,
  type NamedSet,
  oneOf,
  Priority,
  type Rule,
  type Table,
  tableName,
} from "./rule.ts";
import {
  type ForwardedInterfaces,
  interfaceMatches,
  otherInterfaces,
  senderMatches,
  type Senders,
} from "./senders.ts";

export interface KillSwitchSettings {
  /** The tunnel's device; it need not be there. */
  readonly device: string;
  /** What packets have that are meant to leave outside the tunnel. */
  readonly mark: Mark;
  /** What connections have that stay outside. */
  readonly connectionMark: Mark;
  /** Where packets with the mark may go: to these ports by TCP and UDP. */
  readonly proxies: readonly ProxyAddress[];
  /** Proxies that relay UDP, by ports of their own choice: every UDP port of these. */
  readonly relays: readonly Address[];
  /** Who may go anywhere, with the mark: who was excepted. */
  readonly outside: Senders;
  /**
   * The proxy runs on this host: whatever has the mark may go anywhere. Its sockets from before have it and
   * nothing else to be known by.
   */
  readonly proxyHere: boolean;
  /** Only some programs are for the tunnel: what has the mark is everybody else's, and free to go. */
  readonly onlySome: boolean;
  /** As in the plan that marks: what is routed outside by choice may go there. */
  readonly forwarded: ForwardedInterfaces;
  /** Containers that are the proxy. */
  readonly sources: readonly Address[];
  /** Interfaces that lead nowhere else, such as those of containers. */
  readonly internal: readonly string[];
  /** Networks that may be reached without the tunnel, though not their port 53. */
  readonly lan: readonly Prefix[];
  /** Connections that came in from outside may be answered there. */
  readonly incoming: boolean;
  /** As in the plan that marks: ports of this host, of connections that are older than the firewall. */
  readonly servedPorts: readonly number[];
}

export interface ProxyAddress {
  readonly address: Address;
  readonly port: number;
}

/** What the kill switch kept in, by reason. */
export const KILL_SWITCH_COUNTERS = [
  "refused_ipv4",
  "refused_ipv6",
  "refused_dns",
  "refused_forwarded",
  "refused_late",
] as const;

const LINK_LOCAL = parsePrefix("fe80::/10")!;
const ALL_DHCP_SERVERS = parseAddress("ff02::1:2")!;
const FAMILIES = [4, 6] as const;

export function killSwitchPlan(settings: KillSwitchSettings): Table {
  return {
    name: tableName("strict", settings.device),
    counters: KILL_SWITCH_COUNTERS,
    sets: sets(settings),
    chains: [
      { name: "upkeep", rules: UPKEEP },
      { name: "permitted", rules: permitted(settings) },
      { name: "dismiss", rules: DISMISS },
      { name: "refuse", rules: REFUSE },
      { name: "marked", rules: marked(settings) },
      outputChain(settings),
      forwardChain(settings),
      departureChain(settings),
    ],
  };
}

/** Sets that nothing is in are left out, with the rules that would ask them. */
function sets({ proxies, relays, lan }: KillSwitchSettings): NamedSet[] {
  return FAMILIES.flatMap((family) => {
    const field = family === 4 ? "ip daddr" : "ip6 daddr";
    const size = family === 4 ? 4 : 16;
    const ends = proxies.filter(({ address }) => address.length === size);
    const hosts = relays.filter((address) => address.length === size);
    const networks = outermost(lan.filter(({ address }) => address.length === size));
    return [
      ...ends.length === 0 ? [] : [{
        name: `proxies${family}`,
        fields: [field, "th dport"] as const,
        values: ends.map(({ address, port }) => [address, port]),
      }],
      ...hosts.length === 0 ? [] : [{
        name: `relays${family}`,
        fields: [field] as const,
        values: hosts.map((address) => [address]),
      }],
      ...networks.length === 0
        ? []
        : [{ name: `lan${family}`, field, prefixes: networks } as const],
    ];
  });
}

/** As networks, without those that lie in another one: the kernel refuses them. */
function outermost(prefixes: readonly Prefix[]): Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of prefixes.map(networkOf).toSorted(comparePrefixes)) {
    if (!kept.some((outer) => prefixContains(outer, prefix.address))) kept.push(prefix);
  }
  return kept;
}

/** Without an address there is no network: DHCP, neighbours and routers of the link. */
const UPKEEP: readonly Rule[] = [
  [is("meta nfproto", "ipv4"), is("udp sport", 68), is("udp dport", 67), accept],
  [
    { kind: "within", field: "ip6 daddr", prefix: LINK_LOCAL },
    is("udp sport", 546),
    is("udp dport", 547),
    accept,
  ],
  [is("ip6 daddr", ALL_DHCP_SERVERS), is("udp sport", 546), is("udp dport", 547), accept],
  [
    oneOf("icmpv6 type", [
      "nd-router-solicit",
      "nd-router-advert",
      "nd-neighbor-solicit",
      "nd-neighbor-advert",
    ]),
    accept,
  ],
];

/** An answer at once is better than waiting. Its own chain, for it may not be where packets leave. */
const DISMISS: readonly Rule[] = [
  [is("meta l4proto", "tcp"), { kind: "reject", with: "tcp reset" }],
  [{ kind: "reject", with: "admin-prohibited" }],
];

const REFUSE: readonly Rule[] = [
  [is("meta nfproto", "ipv4"), counted("refused_ipv4")],
  [is("meta nfproto", "ipv6"), counted("refused_ipv6")],
  [jump("dismiss")],
];

/** In a connection that was let in: one that nobody saw begin may be this host's own. */
function answers({ connectionMark, incoming }: KillSwitchSettings, ...matches: Match[]): Rule[] {
  if (!incoming) return [];
  const known = hasMark("ct mark", connectionMark);
  return [[
    is("ct direction", "reply"),
    has("ct state", "established", "related"),
    known,
    ...matches,
    accept,
  ]];
}

function permitted(settings: KillSwitchSettings): Rule[] {
  const { lan, incoming, servedPorts } = settings;
  const known = FAMILIES.filter((family) =>
    lan.some(({ address }) => address.length === (family === 4 ? 4 : 16))
  );
  return [
    // Of this host's own: what refuses a connection in place of its far end is no answer to anybody.
    ...answers(settings, is("fib saddr type", "local")),
    // Nobody has seen it begin, so it seems to begin with whatever this host sends next.
    ...incoming && servedPorts.length > 0
      ? [[oneOf("tcp sport", servedPorts), CONTINUES, accept]]
      : [],
    // The resolver of the LAN would tell the provider every name.
    ...known.length > 0 ? [[...IS_DNS, back]] : [],
    ...known.map((family): Rule => [
      inSet(`lan${family}`, family === 4 ? "ip daddr" : "ip6 daddr"),
      accept,
    ]),
  ];
}

function marked(settings: KillSwitchSettings): Rule[] {
  if (settings.onlySome || settings.proxyHere) return [[accept]];
  const names = new Set(sets(settings).map(({ name }) => name));
  return [
    ...FAMILIES.flatMap((family) => toProxies(family, names)),
    ...senderMatches(settings.outside).map((sender): Rule => [sender, accept]),
    [jump("upkeep")],
    ...judged(),
  ];
}

function toProxies(family: 4 | 6, names: ReadonlySet<string>): Rule[] {
  const field = family === 4 ? "ip daddr" : "ip6 daddr";
  return [
    ...names.has(`proxies${family}`)
      ? [[
        oneOf("meta l4proto", ["tcp", "udp"]),
        inSet(`proxies${family}`, field, "th dport"),
        accept,
      ]]
      : [],
    ...names.has(`relays${family}`)
      ? [[is("meta l4proto", "udp"), inSet(`relays${family}`, field), accept]]
      : [],
  ];
}

/** The end of every chain of this host's own packets: what is not permitted is refused. */
function judged(): Rule[] {
  return [
    [jump("permitted")],
    [...IS_DNS, counted("refused_dns"), jump("dismiss")],
    [jump("refuse")],
  ];
}

function home(internal: readonly string[]): Rule[] {
  return interfaceMatches("oifname", ["lo", ...internal]).map((out): Rule => [out, accept]);
}

function outputChain({ device, mark, internal }: KillSwitchSettings): Chain {
  return {
    name: "output",
    hook: { type: "filter", hook: "output", priority: Priority.Filter, policy: "drop" },
    rules: [
      ...home(internal),
      // First the mark: what got it just now leaves outside, though the device is still the tunnel here.
      [hasMark("meta mark", mark), jump("marked")],
      [is("oifname", device), accept],
      [jump("upkeep")],
      ...judged(),
    ],
  };
}

function forwardChain(settings: KillSwitchSettings): Chain {
  const { device, mark, internal, forwarded, sources } = settings;
  const chosen = [hasMark("meta mark", mark), accept];
  return {
    name: "forward",
    hook: { type: "filter", hook: "forward", priority: Priority.Filter, policy: "drop" },
    rules: [
      ...home(internal),
      [is("oifname", device), accept],
      [is("iifname", device), is("ct direction", "reply"), accept],
      ...sources.map((address): Rule => [
        is(address.length === 4 ? "ip saddr" : "ip6 saddr", address),
        ...chosen,
      ]),
      ...interfaceMatches("iifname", forwarded.outside).map((from): Rule => [from, ...chosen]),
      ...forwarded.inside === undefined
        ? []
        : [[...otherInterfaces("iifname", forwarded.inside), ...chosen]],
      // Of containers to whoever has connected to a port that is published for them.
      ...answers(settings),
      [jump("permitted")],
      [counted("refused_forwarded"), jump("dismiss")],
    ],
  };
}

function departureChain({ device, mark, internal }: KillSwitchSettings): Chain {
  return {
    name: "leave",
    hook: { type: "filter", hook: "postrouting", priority: Priority.Filter, policy: "drop" },
    rules: [
      ...home(internal),
      [is("oifname", device), accept],
      // With the mark it has been judged before.
      [hasMark("meta mark", mark), accept],
      [jump("upkeep")],
      [jump("permitted")],
      [counted("refused_late"), drop],
    ],
  };
}
