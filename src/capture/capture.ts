/**
 * The host's traffic, captured: everything that a tunnel changes on the host besides its own device, made
 * in one transaction and given back at the end.
 *
 * Who stays outside comes first, then what may leave at all, then the way into the tunnel: at no moment is
 * there a packet that goes the wrong way.
 */

import type { Address } from "../addr/address.ts";
import { formatSocketAddress } from "../addr/endpoint.ts";
import { parsePrefix, type Prefix, prefixContains } from "../addr/prefix.ts";
import type { CaptureSettings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import type { WithRoutes } from "../host/changes/route_change.ts";
import { type SysctlChange, sysctlChange } from "../host/changes/sysctl_change.ts";
import type { RoutesChange } from "../host/changes/routes_change.ts";
import { replaceTable, type TableChange } from "../host/changes/table_change.ts";
import { realDisk } from "../host/disk.ts";
import type { ProxyAddress } from "../host/firewall/kill_switch_plan.ts";
import type { Table } from "../host/firewall/rule.ts";
import type { ForwardedInterfaces, Senders, UserRange } from "../host/firewall/senders.ts";
import type { ResolverHost } from "../host/resolver/facts.ts";
import { keepDeviceUp } from "../host/keep_device.ts";
import { HostResolver } from "../host/resolver/resolver.ts";
import type { HostLog } from "../host/step.ts";
import type { Transaction } from "../host/transaction.ts";
import { withRoutes } from "../host/with_routes.ts";
import { EgressTable } from "./egress_table.ts";
import {
  type HostFacts,
  type InternalInterfaces,
  internalInterfaces,
  lanNetworks,
} from "./host_facts.ts";
import { addressesOf } from "./name_servers.ts";
import {
  familyOf,
  freePriority,
  freeTable,
  internalRule,
  lanRule,
  MAIN_TABLE,
  planOutside,
  planRoutes,
  planRules,
  proxyRules,
  type RoutingPlan,
  type RoutingSettings,
  ruleBefore,
  slotRanges,
  userRules,
} from "./routing.ts";
import { RuleSlots } from "./rule_slots.ts";
import type { ServedPorts } from "./served_ports.ts";
import { planTables } from "./tables.ts";

export interface CaptureOptions {
  readonly settings: CaptureSettings;
  readonly device: string;
  /** Of the device. */
  readonly prefixes: readonly Prefix[];
  readonly facts: HostFacts;
  /** By users and control groups, from the beginning to the end. */
  readonly outside: Senders;
  /** The proxy, where it is on this host. */
  readonly proxySenders: Senders;
  readonly inside: Senders | undefined;
  readonly forwarded: ForwardedInterfaces;
  /** The container that the proxy runs in, as far as it is known. */
  readonly container: readonly Address[];
  /** Ports by which this host is being used from outside at this moment. */
  readonly served: ServedPorts;
  /** Texts; none leave the host's resolver alone. */
  readonly nameServers: readonly string[];
  /** The proxy, where it is on other hosts. */
  readonly proxies: readonly ProxyAddress[];
  readonly proxyHere: boolean;
  /** Where the transaction finds what is in the firewall's tables. */
  readonly tables: Map<string, Table>;
  readonly transaction: Transaction;
  readonly resolverHost: ResolverHost;
  readonly log: HostLog;
}

/** What it asks and changes at once, without the transaction; a test makes its own. */
export interface CaptureSystem {
  readonly withRoutes: WithRoutes;
  replaceTable(table: Table): void;
  /** The change that gives a setting of the kernel this value; undefined when it has it. */
  sysctl(path: string, value: string): SysctlChange | undefined;
  /** Whether some link asks where an answer would leave. */
  isStrict(): boolean;
}

const THIS_SYSTEM: CaptureSystem = {
  withRoutes,
  replaceTable,
  sysctl: (path, value) => sysctlChange(realDisk, path, value),
  isStrict,
};

/** Answers to marked packets come in where a strict check of their way back would ask elsewhere. */
const VALID_MARK = "net/ipv4/conf/all/src_valid_mark";
/** The larger of this one and a link's own is what holds. */
const CHECK_OF_SOURCE = "net/ipv4/conf/all/rp_filter";
const LOOSE = "2";

export class Capture {
  readonly routing: RoutingPlan;
  resolver: HostResolver | undefined;
  readonly #options: CaptureOptions;
  readonly #system: CaptureSystem;
  readonly #egress: EgressTable | undefined;
  readonly #connectionMark = crypto.getRandomValues(new Uint32Array(1))[0]!;
  #outside: Senders;
  #internal: InternalInterfaces;
  /** Where the proxy is, and where it has been: connections to there may live on. */
  readonly #proxies = new Map<string, ProxyAddress>();
  readonly #proxyRules: RuleSlots;
  readonly #userRules: RuleSlots;
  readonly #internalRules: RuleSlots;
  readonly #lanRules: RuleSlots;
  #neighbourhood: readonly string[];

  constructor(options: CaptureOptions, system = THIS_SYSTEM) {
    const { settings, facts, transaction, log } = options;
    this.#options = options;
    this.#system = system;
    this.#outside = together(options.outside, options.proxySenders);
    this.#internal = facts.internal;
    this.#neighbourhood = facts.lan;
    const table = freeTable(settings.table, facts.usedTables);
    const byInterface = settings.interface !== "";
    const outside = byInterface ? freeTable(0, new Set([...facts.usedTables, table])) : MAIN_TABLE;
    if (byInterface) this.#egress = new EgressTable(settings.interface, outside, transaction);
    const priority = freePriority(facts.rules);
    const before = ruleBefore(facts.rules, priority);
    if (before > 0) {
      log.warn(
        `Routing rule ${before} comes before the tunnel's: see what it takes with \`ip rule\``,
      );
    }
    this.routing = { table, outside, mark: settings.fwmark, priority };
    const ranges = slotRanges(this.routing);
    this.#proxyRules = new RuleSlots(transaction, ranges.proxies);
    this.#userRules = new RuleSlots(transaction, ranges.users);
    this.#internalRules = new RuleSlots(transaction, ranges.internal);
    this.#lanRules = new RuleSlots(transaction, ranges.lan);
  }

  /**
   * The way for what stays outside, and the one into the tunnel, which nothing takes yet. When a part fails,
   * whoever ends the transaction takes back what was made before; the same holds for `takeIn`.
   */
  async keepOut(): Promise<void> {
    const { transaction, proxies } = this.#options;
    if (this.#system.isStrict()) await this.#easeChecks();
    await this.#followEgress();
    await this.setProxies(proxies);
    await this.#letUsersOut(this.#outside.users);
    await this.#leaveInternal();
    await transaction.apply(planOutside(this.routing, this.#routingSettings));
    const routes = planRoutes(this.routing, this.#routingSettings);
    const change: RoutesChange = { kind: "routes", table: this.routing.table, routes };
    await transaction.apply([change]);
  }

  /** From here on the tunnel has to be served. */
  async takeIn(): Promise<void> {
    await this.#makeTables();
    await this.#leaveLan();
    await this.#options.transaction.apply(planRules(this.routing, this.#routingSettings));
    await this.#pointResolver();
  }

  /** The proxy is at these addresses from now on. Connections to the last ones still stay outside. */
  async setProxies(proxies: readonly ProxyAddress[]): Promise<void> {
    const keyed = proxies.slice(0, this.#proxyRules.count).map((proxy) =>
      [formatSocketAddress(proxy.address, proxy.port), proxy] as const
    );
    // Those that it was at once make place for new ones, not those that it still is at.
    this.#proxyRules.renew(keyed.map(([key]) => key));
    for (const [key, proxy] of keyed) {
      await this.#proxyRules.add(key, (priority) => proxyRules(this.routing, proxy, priority));
      this.#proxies.set(key, proxy);
    }
    for (const key of this.#proxies.keys()) {
      if (!this.#proxyRules.has(key)) this.#proxies.delete(key);
    }
    this.#replaceTables();
  }

  /** The proxy of this host is these from now on; whoever it was before is for the tunnel again. */
  async letOut(senders: Senders): Promise<void> {
    this.#outside = together(this.#options.outside, senders);
    await this.#letUsersOut(this.#outside.users);
    this.#replaceTables();
  }

  /** Makes again what somebody has taken away; says what it was. */
  async restore(kinds?: readonly string[]): Promise<string[]> {
    const { device, prefixes, transaction } = this.#options;
    const wasDown = kinds === undefined &&
      this.#system.withRoutes((socket) => keepDeviceUp(socket, device, prefixes));
    const made = await transaction.restore(kinds);
    return wasDown ? [`bring "${device}" up`, ...made] : made;
  }

  /** Routes and interfaces of the host may have changed. */
  async follow(): Promise<void> {
    this.#internal = this.#system.withRoutes(internalInterfaces);
    this.#neighbourhood = this.#system.withRoutes((socket) => lanNetworks(socket, this.#addresses));
    await this.#leaveInternal();
    await this.#leaveLan();
    this.#replaceTables();
    await this.#followEgress();
  }

  /** Those that would have done the same. */
  get commands(): readonly string[] {
    return this.#options.transaction.commands;
  }

  /** Who is for the tunnel and who is not, at this moment. */
  get senders(): { outside: Senders; inside: Senders | undefined } {
    return { outside: this.#outside, inside: this.#options.inside };
  }

  get device(): string {
    return this.#options.device;
  }

  get #routingSettings(): RoutingSettings {
    const { settings, device, facts, nameServers } = this.#options;
    const { bypass } = settings;
    // Where only some networks go into the tunnel, its servers for names are among them.
    const hosts = settings.include.length === 0 ? [] : nameServers;
    const include = [...settings.include, ...hosts];
    const { families, carried } = facts;
    const dns = nameServers.length > 0;
    return { device, families, carried, include, bypass, lan: this.#lan, dns };
  }

  /** With a kill switch the LAN is let out only when that was said. */
  get #lan(): boolean {
    const { lan, strict } = this.#options.settings;
    return lan === "auto" ? !strict : lan === "yes";
  }

  /**
   * Where the system asks for each packet by which way an answer would leave. Without the LAN that is the
   * tunnel for a neighbour, too: its packets would be taken for forged, even its ARP requests.
   */
  async #easeChecks(): Promise<void> {
    const { sysctl } = this.#system;
    const changes = [
      sysctl(VALID_MARK, "1"),
      ...this.#lan ? [] : [sysctl(CHECK_OF_SOURCE, LOOSE)],
    ];
    await this.#options.transaction.apply(changes.filter((change) => change !== undefined));
  }

  async #followEgress(): Promise<void> {
    const egress = this.#egress;
    if (egress === undefined) return;
    await egress.follow(this.#system.withRoutes((socket) => egress.look(socket)));
  }

  async #letUsersOut(users: readonly UserRange[]): Promise<void> {
    const { families } = this.#options.facts;
    await this.#userRules.retain(new Set(users.map(keyOf)));
    for (const range of users) {
      const key = keyOf(range);
      if (this.#userRules.full && !this.#userRules.has(key)) throw tooManyUsers();
      await this.#userRules.add(
        key,
        (priority) => userRules(this.routing, range, families, priority),
      );
    }
  }

  async #leaveInternal(): Promise<void> {
    // Those without a place are left to what is said of the LAN.
    const networks = this.#internal.networks.slice(0, this.#internalRules.count);
    await this.#internalRules.retain(new Set(networks));
    for (const network of networks) {
      await this.#internalRules.add(network, (priority) => internalRule(network, priority));
    }
  }

  async #leaveLan(): Promise<void> {
    if (!this.#lan) return;
    const { families } = this.#options.facts;
    const networks = this.#neighbourhood.filter((text) => families.includes(familyOf(text)))
      .slice(0, this.#lanRules.count);
    await this.#lanRules.retain(new Set(networks));
    for (const network of networks) {
      await this.#lanRules.add(network, (priority) => lanRule(network, priority));
    }
  }

  get #addresses(): Address[] {
    return this.#options.prefixes.map(({ address }) => address);
  }

  async #makeTables(): Promise<void> {
    const { tables, transaction } = this.#options;
    const planned = this.#planTables();
    for (const table of planned) tables.set(table.name, table);
    await transaction.apply(planned.map(({ name }): TableChange => ({ kind: "table", name })));
  }

  /** What is said anew of tables that are there. */
  #replaceTables(): void {
    const { tables, log } = this.#options;
    for (const table of this.#planTables()) {
      const before = tables.get(table.name);
      if (before === undefined || JSON.stringify(before) === JSON.stringify(table)) continue;
      this.#system.replaceTable(table);
      tables.set(table.name, table);
      log.debug(`The firewall table ${table.name} has been made anew`);
    }
  }

  #planTables(): Table[] {
    const { settings, device, inside, forwarded, served } = this.#options;
    const addresses = this.#addresses;
    const networks = this.#internal.networks.map((text) => parsePrefix(text)!);
    const sources = [...this.#proxies.values()].map(({ address }) => address)
      .filter((address) => networks.some((network) => prefixContains(network, address)));
    const nameServers = addressesOf(this.#options.nameServers);
    const lan = this.#lan ? [...this.#neighbourhood, ...TO_ALL] : [];
    return planTables({
      device,
      addresses,
      mark: settings.fwmark,
      connectionMark: this.#connectionMark,
      outside: this.#outside,
      inside,
      forwarded,
      sources: [...sources, ...this.#options.container],
      servedPorts: served.tcp,
      servedUdpPorts: served.udp,
      clientPorts: served.clients,
      nameServers,
      internal: this.#internal,
      strict: settings.strict,
      proxyHere: this.#options.proxyHere,
      proxies: [...this.#proxies.values()],
      permitted: [...settings.bypass, ...lan],
    });
  }

  async #pointResolver(): Promise<void> {
    const { nameServers: servers, transaction, device, resolverHost: host, log } = this.#options;
    if (servers.length === 0) return;
    this.resolver = await HostResolver.point({ host, transaction, device, servers, log });
  }
}

function isStrict(): boolean {
  const links = [...Deno.readDirSync("/proc/sys/net/ipv4/conf")];
  return links.some(({ name }) =>
    Deno.readTextFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`).trim() === "1"
  );
}

/** What is said to everybody on a link. */
const TO_ALL = ["224.0.0.0/4", "255.255.255.255/32", "ff00::/8"];

function together(one: Senders, other: Senders): Senders {
  return {
    users: [...one.users, ...other.users],
    cgroups: [...one.cgroups, ...other.cgroups],
  };
}

function keyOf({ from, to }: UserRange): string {
  return `${from}-${to}`;
}

function tooManyUsers(): UserError {
  return new UserError("Cannot keep so many users outside", {
    hint: "Name a range: --except-user 1000-1999",
  });
}
