/**
 * Which packets stay out of the tunnel: they get a mark, and routing rules that send only what has no such
 * mark into the tunnel do the rest.
 *
 *     output       who sends: some users and control groups leave outside, or all but some
 *     prerouting   what comes in from outside is answered there, and so is what it is translated to;
 *                  forwarded packets by the interface that they came from
 *     postrouting  a connection that left outside keeps to it, with an address that is right there
 *     names        questions to servers of the LAN, which nobody else knows, go to one that the tunnel reaches
 *
 * A connection's own mark remembers it. Its first packet decides.
 */

import type { Address } from "../../addr/address.ts";
import { parsePrefix, type Prefix } from "../../addr/prefix.ts";
import {
  accept,
  back,
  BEGINS,
  type Chain,
  CONTINUES,
  drop,
  has,
  hasMark,
  is,
  IS_DNS,
  isNot,
  jump,
  type Mark,
  type Match,
  noneOf,
  oneOf,
  Priority,
  type Rule,
  setMark,
  type Table,
  tableName,
} from "./rule.ts";
import {
  type ForwardedInterfaces,
  interfaceMatches,
  senderMatches,
  type Senders,
} from "./senders.ts";

export interface MarkSettings {
  /** The tunnel's device. */
  readonly device: string;
  /** Its addresses. What is sent by them and leaves outside after all gets another. */
  readonly addresses: readonly Address[];
  readonly mark: Mark;
  /**
   * What remembers it for a connection. Another one at every start: who was excepted from a tunnel that is
   * no more need not be excepted from this one.
   */
  readonly connectionMark: Mark;
  /** Who leaves outside the tunnel: a proxy on this host first of all. */
  readonly outside: Senders;
  /** Who alone goes into the tunnel; undefined for everybody else. */
  readonly inside: Senders | undefined;
  readonly forwarded: ForwardedInterfaces;
  /** The proxy on other hosts: whoever connects to it stays outside, with a mark or without. */
  readonly proxies: readonly { readonly address: Address; readonly port: number }[];
  /** Containers that are the proxy: what they send is forwarded, and stays outside. */
  readonly sources: readonly Address[];
  /**
   * TCP ports that this host serves. Of connections older than the firewall, which nobody has seen begin,
   * it tells those that came in from those that went out.
   */
  readonly servedPorts: readonly number[];
  /** The same of UDP, among `clientPorts`: servers within the kernel. */
  readonly servedUdpPorts: readonly number[];
  /**
   * Ports that the system gives to clients. What comes to one of them by UDP, and seems to begin with that,
   * answers a question from before.
   */
  readonly clientPorts: { readonly from: number; readonly to: number };
  /** Where questions for names go that were meant for a server of the LAN; none to leave them alone. */
  readonly nameServers: readonly Address[];
  /** Networks behind interfaces of this host that lead nowhere else: servers there are asked themselves. */
  readonly internal: readonly Prefix[];
}

/** Networks whose servers the far end of the tunnel does not know, or knows as others. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
  .map((text) => parsePrefix(text)!);

/** To an address of this host; also where a port of it is published for a container. */
const toThisHost = is("fib daddr type", "local");
const elsewhere = isNot("fib daddr type", "local");
const isNew = has("ct state", "new");
/** Whoever is at the other end has begun it, as far as anybody knows. */
const cameIn = is("ct direction", "original");

export function markPlan(settings: MarkSettings): Table {
  return {
    name: tableName("mark", settings.device),
    counters: [],
    sets: [],
    chains: [
      { name: "stay_out", rules: [[...bothMarks(settings), accept]] },
      outputChain(settings),
      arrivalChain(settings),
      forwardChain(settings.device),
      departureChain(settings),
      addressChain(settings),
      ...nameChains(settings),
    ],
  };
}

function bothMarks({ mark, connectionMark }: MarkSettings) {
  return [setMark("ct mark", connectionMark), setMark("meta mark", mark)];
}

/** Of the type that routes a packet anew when its mark has changed. */
function outputChain(settings: MarkSettings): Chain {
  const { mark, connectionMark, outside, inside, servedPorts, proxies } = settings;
  const out = setMark("meta mark", mark);
  return {
    name: "output",
    hook: { type: "route", hook: "output", priority: Priority.Mangle, policy: "accept" },
    rules: [
      [is("oifname", "lo"), accept],
      [hasMark("ct mark", connectionMark), out, accept],
      ...servedPorts.length > 0
        ? [[oneOf("tcp sport", servedPorts), CONTINUES, jump("stay_out")]]
        : [],
      ...proxies.map(({ address, port }): Rule => [
        is(address.length === 4 ? "ip daddr" : "ip6 daddr", address),
        is("tcp dport", port),
        out,
        accept,
      ]),
      ...senderMatches(outside).map((match): Rule => [match, jump("stay_out")]),
      ...inside === undefined
        ? []
        : [...senderMatches(inside).map((match): Rule => [match, accept]), [jump("stay_out")]],
    ],
  };
}

function arrivalChain(settings: MarkSettings): Chain {
  const { device, mark, connectionMark, forwarded, sources, internal } = settings;
  return {
    name: "arrive",
    hook: { type: "filter", hook: "prerouting", priority: Priority.Mangle, policy: "accept" },
    rules: [
      [oneOf("iifname", [device, "lo"]), accept],
      // Marked on arrival too: the check of the way back asks where an answer would leave.
      [hasMark("ct mark", connectionMark), setMark("meta mark", mark), accept],
      ...served(settings).map((which): Rule => [toThisHost, ...which, jump("stay_out")]),
      // Of containers to whoever had connected to a port that is published for them.
      ...internal.map((prefix): Rule => [
        within("saddr", prefix),
        is("ct direction", "reply"),
        elsewhere,
        jump("stay_out"),
      ]),
      ...sources.map((address): Rule => [
        is(address.length === 4 ? "ip saddr" : "ip6 saddr", address),
        elsewhere,
        jump("stay_out"),
      ]),
      ...interfaceMatches("iifname", forwarded.outside).map((from): Rule => [
        from,
        elsewhere,
        jump("stay_out"),
      ]),
      ...forwarded.inside === undefined ? [] : [
        ...interfaceMatches("iifname", forwarded.inside).map((from): Rule => [from, accept]),
        [elsewhere, jump("stay_out")],
      ],
    ],
  };
}

/** What others begin with this host. */
function served({ servedPorts, servedUdpPorts, clientPorts }: MarkSettings): Match[][] {
  return [
    [isNew, BEGINS],
    ...servedPorts.length > 0 ? [[cameIn, oneOf("tcp dport", servedPorts)]] : [],
    [cameIn, { kind: "between", field: "udp dport", ...clientPorts, not: true }],
    ...servedUdpPorts.length > 0 ? [[cameIn, oneOf("udp dport", servedUdpPorts)]] : [],
    [isNew, noneOf("meta l4proto", ["tcp", "udp"])],
  ];
}

/** Segments no larger than both ways of a connection through the tunnel carry. */
function forwardChain(device: string): Chain {
  const clamp = [has("tcp flags", "syn"), { kind: "clampMss", to: "route" }] as const;
  return {
    name: "forward",
    hook: { type: "filter", hook: "forward", priority: Priority.Mangle, policy: "accept" },
    rules: [[is("oifname", device), ...clamp], [is("iifname", device), ...clamp]],
  };
}

function departureChain({ device, addresses, mark, connectionMark }: MarkSettings): Chain {
  return {
    name: "leave",
    hook: { type: "filter", hook: "postrouting", priority: Priority.Mangle, policy: "accept" },
    rules: [
      [oneOf("oifname", [device, "lo"]), accept],
      // Begun in the tunnel before its socket was marked: nobody outside would answer, and what ends it has
      // to reach the tunnel.
      ...addresses.map((address): Rule => [
        is(address.length === 4 ? "ip saddr" : "ip6 saddr", address),
        hasMark("meta mark", mark),
        { ...connectionMark, kind: "masked", field: "ct mark", not: true },
        drop,
      ]),
      [hasMark("meta mark", mark), setMark("ct mark", connectionMark)],
      // What a program was told of the tunnel's MTU is not true outside.
      [hasMark("meta mark", mark), has("tcp flags", "syn"), { kind: "clampMss", to: "route" }],
    ],
  };
}

/** A program's own address was chosen before it had a mark: by the way into the tunnel. */
function addressChain({ device, addresses, mark }: MarkSettings): Chain {
  return {
    name: "address",
    hook: { type: "nat", hook: "postrouting", priority: Priority.SourceNat, policy: "accept" },
    rules: addresses.map((address) => [
      isNot("oifname", device),
      hasMark("meta mark", mark),
      is(address.length === 4 ? "ip saddr" : "ip6 saddr", address),
      { kind: "masquerade" },
    ]),
  };
}

/** For this host's own questions, and for those that it forwards. */
function nameChains(settings: MarkSettings): Chain[] {
  if (settings.nameServers.length === 0) return [];
  const hook = (hook: "output" | "prerouting") =>
    ({ type: "nat", hook, priority: Priority.DestinationNat, policy: "accept" }) as const;
  return [
    { name: "names", rules: nameRules(settings) },
    { name: "names_out", hook: hook("output"), rules: [[...IS_DNS, jump("names")]] },
    {
      name: "names_in",
      hook: hook("prerouting"),
      rules: [[isNot("iifname", settings.device), ...IS_DNS, elsewhere, jump("names")]],
    },
  ];
}

function within(end: "saddr" | "daddr", prefix: Prefix): Match {
  return { kind: "within", field: `${prefix.address.length === 4 ? "ip" : "ip6"} ${end}`, prefix };
}

function nameRules({ mark, connectionMark, internal, nameServers }: MarkSettings): Rule[] {
  const to = (prefix: Prefix) => within("daddr", prefix);
  return [
    [hasMark("meta mark", mark), back],
    [hasMark("ct mark", connectionMark), back],
    [is("fib daddr type", "local"), back],
    ...internal.map((prefix): Rule => [to(prefix), back]),
    ...nameServers.map((address): Rule => [to({ address, length: address.length * 8 }), back]),
    ...PRIVATE.flatMap((prefix): Rule[] => {
      const server = nameServers.find(({ length }) => length === prefix.address.length);
      return server === undefined ? [] : [[to(prefix), { kind: "dnat", address: server }]];
    }),
  ];
}
