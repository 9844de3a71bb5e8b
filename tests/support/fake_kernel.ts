/**
 * The network of a host that is made up: links, addresses, routes, rules, and tables of the firewall. It
 * refuses what the kernel refuses, and two rules of one family with the same priority.
 */

import { Errno, SysError } from "../../ffi/libc.ts";
import type { LinkAddress, LinkInfo, PolicyRule, Route, RouteSocket } from "../../ffi/types.ts";
import { formatAddress } from "../../src/addr/address.ts";
import { formatPrefix } from "../../src/addr/prefix.ts";
import type { CaptureSystem } from "../../src/capture/capture.ts";
import type { ChangeKind, ChangeKinds } from "../../src/host/change.ts";
import { routeKind, type WithRoutes } from "../../src/host/changes/route_change.ts";
import { routesKind } from "../../src/host/changes/routes_change.ts";
import { ruleKind } from "../../src/host/changes/rule_change.ts";
import {
  type TableChange,
  tableKind,
  type TablePlans,
} from "../../src/host/changes/table_change.ts";
import { replacementCommand } from "../../src/host/firewall/text.ts";
import { address, prefix } from "./route_rig.ts";

export const MAIN = 254;

/** A link as it is listed; kind "" is a network card. */
export function link(index: number, name: string, kind = "", master?: number): LinkInfo {
  return {
    index,
    name,
    kind,
    up: true,
    running: true,
    mtu: 1500,
    txQueueLength: 1000,
    loopback: name === "lo",
    pointToPoint: false,
    packetInformation: false,
    ...(master === undefined ? {} : { master }),
  };
}

/** "192.0.2.0/24" or "0.0.0.0/0 via 192.0.2.1", by this link. */
export function route(text: string, link: number, rest: Partial<Route> = {}): Route {
  const [destination, gateway] = text.split(" via ");
  return {
    destination: prefix(destination!),
    ...(gateway === undefined ? {} : { gateway: address(gateway) }),
    link,
    table: MAIN,
    ...rest,
  };
}

type Asked = Pick<
  RouteSocket,
  | "findLink"
  | "links"
  | "addresses"
  | "addRoute"
  | "deleteRoute"
  | "flushRoutes"
  | "hasRoute"
  | "missingRoutes"
  | "routes"
  | "defaultRoutes"
  | "addRule"
  | "deleteRule"
  | "hasRule"
  | "rules"
>;

export class FakeKernel {
  links: LinkInfo[] = [link(1, "lo"), link(2, "eth0"), link(3, "ztun0", "tun")];
  addresses: LinkAddress[] = [];
  routes: Route[] = [];
  rules: PolicyRule[] = [];
  /** Of the firewall, as text. */
  readonly tables = new Map<string, string>();
  readonly settings = new Map<string, string>();
  /** Makes the next change fail. */
  broken: string | undefined;

  /** The socket can be asked during the call only, as the real one. */
  readonly withRoutes: WithRoutes = (body) => {
    let open = true;
    const socket = this.#socket(() => {
      if (!open) throw new SysError("sendto", Errno.EBADF);
    });
    try {
      return body(socket as RouteSocket);
    } finally {
      open = false;
    }
  };

  kinds(plans: TablePlans): ChangeKinds {
    const table: ChangeKind<TableChange> = {
      ...tableKind(plans),
      apply: ({ name }) => this.#replace(name, replacementCommand(plans.get(name)!)),
      state: ({ name }) => this.tables.has(name) ? "present" : "absent",
      undo: ({ name }) => void this.tables.delete(name),
    };
    return {
      route: routeKind(this.withRoutes) as ChangeKind,
      routes: routesKind(this.withRoutes) as ChangeKind,
      rule: ruleKind(this.withRoutes) as ChangeKind,
      table: table as ChangeKind,
    };
  }

  readonly system: CaptureSystem = {
    withRoutes: this.withRoutes,
    replaceTable: (table) => this.#replace(table.name, replacementCommand(table)),
    sysctl: () => undefined,
    isStrict: () => false,
  };

  /** Everything that there is, in words. */
  snapshot(): unknown {
    return {
      routes: this.routes.map(shownRoute).toSorted(),
      rules: this.rules.map((rule) => JSON.stringify(rule)).toSorted(),
      tables: [...this.tables].toSorted(),
    };
  }

  /** As `ip link set … down` does it. */
  flush(link: number): void {
    this.routes = this.routes.filter((each) => each.link !== link);
  }

  #replace(name: string, content: string): void {
    this.#mayFail("table");
    this.tables.set(name, content);
  }

  #mayFail(what: string): void {
    if (this.broken !== what) return;
    this.broken = undefined;
    throw new SysError("sendto", Errno.ENOMEM);
  }

  #socket(check: () => void): Asked {
    const asked = <T>(body: () => T): T => {
      check();
      return body();
    };
    return {
      findLink: (name) => asked(() => this.links.find((each) => each.name === name)),
      links: () => asked(() => this.links),
      addresses: () => asked(() => this.addresses),
      routes: (table) => asked(() => this.#routesOf(table)),
      defaultRoutes: (table) =>
        asked(() => this.#routesOf(table).filter(({ destination }) => destination.length === 0)),
      hasRoute: (route) => asked(() => this.routes.some((each) => same(each, route))),
      missingRoutes: (_, routes) =>
        asked(() => routes.filter((route) => !this.routes.some((each) => same(each, route)))),
      flushRoutes: (table) =>
        asked(() => void (this.routes = this.routes.filter((each) => each.table !== table))),
      addRoute: (route) => asked(() => this.#addRoute(route)),
      deleteRoute: (route) => asked(() => this.#deleteRoute(route)),
      rules: () => asked(() => this.rules),
      hasRule: (rule) => asked(() => this.rules.some((each) => sameRule(each, rule))),
      addRule: (rule) => asked(() => this.#addRule(rule)),
      deleteRule: (rule) => asked(() => this.#deleteRule(rule)),
    };
  }

  #routesOf(table: number | undefined): Route[] {
    return this.routes.filter((each) => table === undefined || each.table === table);
  }

  #addRoute(route: Route): void {
    this.#mayFail("route");
    const key = (each: Route) =>
      `${formatPrefix(each.destination)} ${each.table} ${each.metric ?? 0}`;
    if (this.routes.some((each) => key(each) === key(route))) {
      throw new SysError("RTM_NEWROUTE", Errno.EEXIST);
    }
    this.routes.push(route);
  }

  #deleteRoute(route: Route): void {
    const at = this.routes.findIndex((each) => same(each, route));
    if (at < 0) throw new SysError("RTM_DELROUTE", Errno.ESRCH);
    this.routes.splice(at, 1);
  }

  #addRule(rule: PolicyRule): void {
    this.#mayFail("rule");
    const taken = ({ family, priority }: PolicyRule) =>
      family === rule.family && priority === rule.priority;
    if (this.rules.some(taken)) throw new SysError("RTM_NEWRULE", Errno.EEXIST);
    this.rules.push(rule);
  }

  #deleteRule(rule: PolicyRule): void {
    const at = this.rules.findIndex((each) => sameRule(each, rule));
    if (at < 0) throw new SysError("RTM_DELRULE", Errno.ENOENT);
    this.rules.splice(at, 1);
  }
}

/** A route in words: where to, how, and in which table. */
export function shownRoute({ destination, gateway, link, table, type, metric }: Route): string {
  const way = gateway === undefined ? "" : ` via ${formatAddress(gateway)}`;
  const by = link === undefined ? ` ${type}` : ` by ${link}`;
  return `${formatPrefix(destination)}${way}${by} in ${table}` +
    (metric === undefined ? "" : ` metric ${metric}`);
}

function same(one: Route, other: Route): boolean {
  return shownRoute(one) === shownRoute(other);
}

function sameRule(one: PolicyRule, other: PolicyRule): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
