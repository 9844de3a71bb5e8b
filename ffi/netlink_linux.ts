/**
 * Links, addresses, routes and policy rules of Linux through rtnetlink (`man 7 rtnetlink`).
 *
 * Each change is one request that the kernel acknowledges before the call returns.
 */

import type { Address } from "../src/addr/address.ts";
import { Errno, SysError } from "./libc.ts";
import { addAddressRequest, listAddressesRequest, readAddress } from "./netlink_address_linux.ts";
import { type DeleteVerdict, judgeDelete, sameFields } from "./netlink_fields_linux.ts";
import {
  deleteLinkRequest,
  findLinkRequest,
  listLinksRequest,
  readLink,
  setMtuRequest,
  setTxQueueLengthRequest,
  setUpRequest,
} from "./netlink_link_linux.ts";
import type { NetlinkRequest } from "./netlink_message_linux.ts";
import { RT_TABLE_MAIN, Rtm } from "./netlink_numbers_linux.ts";
import {
  addRouteRequest,
  deleteRouteRequest,
  ignoredInDelete,
  listRoutesRequest,
  lookupRequest,
  readAnswer,
  readDefaultRoute,
  readRoute,
  routeFields,
} from "./netlink_route_linux.ts";
import {
  addRuleRequest,
  deleteRuleRequest,
  IGNORED_IN_RULE_DELETE,
  listRulesRequest,
  readRule,
  ruleFields,
} from "./netlink_rule_linux.ts";
import {
  type MessageReader,
  NetlinkError,
  NetlinkSocket,
  type NetlinkWire,
} from "./netlink_socket_linux.ts";
import type {
  IpFamily,
  LinkAddress,
  LinkInfo,
  LookupOptions,
  PolicyRule,
  Route,
  RouteAnswer,
  RouteSocket,
} from "./types.ts";

/** How a lookup says that packets do not leave; the last two, that there is no such family. */
const NO_WAY: readonly number[] = [
  Errno.ENETUNREACH,
  Errno.EHOSTUNREACH,
  Errno.EACCES,
  Errno.EOPNOTSUPP,
  Errno.EAFNOSUPPORT,
];
/** How a list says that there is no such table, or no such family. */
const NOTHING_THERE: readonly number[] = [Errno.ENOENT, Errno.EOPNOTSUPP, Errno.EAFNOSUPPORT];

export class NetlinkRouteSocket implements RouteSocket {
  readonly #netlink: NetlinkSocket;

  constructor(wire?: NetlinkWire) {
    this.#netlink = new NetlinkSocket(wire);
  }

  findLink(name: string): LinkInfo | undefined {
    try {
      return this.#netlink.ask(findLinkRequest(name), Rtm.NEWLINK, readLink)[0];
    } catch (error) {
      if (error instanceof SysError && error.code === Errno.ENODEV) return undefined;
      throw error;
    }
  }

  links(): LinkInfo[] {
    return this.#netlink.dump(listLinksRequest(), Rtm.NEWLINK, readLink);
  }

  setUp(link: number, up: boolean): void {
    this.#netlink.change(setUpRequest(link, up));
  }

  setMtu(link: number, mtu: number): void {
    this.#netlink.change(setMtuRequest(link, mtu));
  }

  setTxQueueLength(link: number, packets: number): void {
    this.#netlink.change(setTxQueueLengthRequest(link, packets));
  }

  deleteLink(link: number): void {
    this.#netlink.change(deleteLinkRequest(link));
  }

  addAddress(address: LinkAddress): void {
    this.#netlink.change(addAddressRequest(address));
  }

  addresses(): LinkAddress[] {
    return this.#netlink.dump(listAddressesRequest(), Rtm.NEWADDR, readAddress);
  }

  addRoute(route: Route): void {
    this.#netlink.change(addRouteRequest(route));
  }

  deleteRoute(route: Route): void {
    const listed = this.#routesBeside(route).map(routeFields);
    const verdict = judgeDelete(routeFields(route), listed, ignoredInDelete(route));
    throwUnlessRight("RTM_DELROUTE", verdict, Errno.ESRCH);
    this.#netlink.change(deleteRouteRequest(route));
  }

  hasRoute(route: Route): boolean {
    const wanted = routeFields(route);
    return this.#routesBeside(route).some((each) => sameFields(wanted, routeFields(each)));
  }

  missingRoutes(table: number, routes: readonly Route[]): Route[] {
    const there = new Set(this.routes(table).map(routeKey));
    return routes.filter((route) => !there.has(routeKey(route)));
  }

  flushRoutes(table: number): void {
    for (const route of this.routes(table)) {
      try {
        this.#netlink.change(deleteRouteRequest(route));
      } catch (error) {
        // Gone with its device in the meantime.
        if (!(error instanceof SysError) || error.code !== Errno.ESRCH) throw error;
      }
    }
  }

  routes(table?: number): Route[] {
    return [...this.#routesOf(4, table), ...this.#routesOf(6, table)];
  }

  defaultRoutes(table?: number): Route[] {
    return [
      ...this.#routesOf(4, table, readDefaultRoute),
      ...this.#routesOf(6, table, readDefaultRoute),
    ];
  }

  lookup(address: Address, options: LookupOptions = {}): RouteAnswer | undefined {
    try {
      return this.#netlink.ask(lookupRequest(address, options), Rtm.NEWROUTE, readAnswer)[0];
    } catch (error) {
      if (error instanceof NetlinkError && isNoWay(error)) return undefined;
      throw error;
    }
  }

  addRule(rule: PolicyRule): void {
    this.#netlink.change(addRuleRequest(rule));
  }

  deleteRule(rule: PolicyRule): void {
    const listed = this.#rulesOf(rule.family).map(ruleFields);
    const verdict = judgeDelete(ruleFields(rule), listed, IGNORED_IN_RULE_DELETE);
    throwUnlessRight("RTM_DELRULE", verdict, Errno.ENOENT);
    this.#netlink.change(deleteRuleRequest(rule));
  }

  hasRule(rule: PolicyRule): boolean {
    const wanted = ruleFields(rule);
    return this.#rulesOf(rule.family).some((each) => sameFields(wanted, ruleFields(each)));
  }

  rules(): PolicyRule[] {
    return [...this.#rulesOf(4), ...this.#rulesOf(6)];
  }

  close(): void {
    this.#netlink.close();
  }

  /** Those of the table and the family that a route is of. */
  #routesBeside({ destination, table = RT_TABLE_MAIN }: Route): Route[] {
    return this.#routesOf(destination.address.length === 4 ? 4 : 6, table);
  }

  #routesOf(family: IpFamily, table: number | undefined, read = readRoute): Route[] {
    const routes = this.#list(listRoutesRequest(family, table), Rtm.NEWROUTE, read);
    const octets = family === 4 ? 4 : 16;
    return routes.filter(({ destination, table: its }) =>
      destination.address.length === octets && (table === undefined || its === table)
    );
  }

  #rulesOf(family: IpFamily): PolicyRule[] {
    const rules = this.#list(listRulesRequest(family), Rtm.NEWRULE, readRule);
    return rules.filter((rule) => rule.family === family);
  }

  /** A list of one family; a kernel without it lists the other one instead, or refuses. */
  #list<T>(request: NetlinkRequest, wanted: number, read: MessageReader<T>): T[] {
    try {
      return this.#netlink.dump(request, wanted, read);
    } catch (error) {
      if (error instanceof SysError && NOTHING_THERE.includes(error.code)) return [];
      throw error;
    }
  }
}

function throwUnlessRight(call: string, verdict: DeleteVerdict, absent: number): void {
  if (verdict === "absent") throw new NetlinkError(call, absent, "exactly this is not there");
  if (verdict === "another") {
    throw new NetlinkError(call, Errno.EBUSY, "the kernel would take another one for it");
  }
}

/** A blackhole is told from a wrong request by the silence about what is wrong. */
function isNoWay({ code, reason }: NetlinkError): boolean {
  return NO_WAY.includes(code) || (code === Errno.EINVAL && reason === "");
}

/** Routes that say the same have the same. */
function routeKey(route: Route): string {
  return JSON.stringify([...routeFields(route)].toSorted());
}
