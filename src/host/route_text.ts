/**
 * Routes and policy rules as the `ip` commands that add or delete them.
 *
 * Everything is said that netlink is told, the numbers as numbers: nobody's `rt_tables` matters.
 */

import type { NumberRange, PolicyRule, Route } from "../../ffi/types.ts";
import { formatAddress } from "../addr/address.ts";
import { formatPrefix } from "../addr/prefix.ts";

export type RouteVerb = "add" | "del";

/** What the interfaces of `ffi/types.ts` promise for a protocol that is left out. */
const STATIC = "static";

/** The command for a route; `nameOf` knows the links by their index. */
export function routeCommand(
  verb: RouteVerb,
  route: Route,
  nameOf: (link: number) => string,
): string {
  const { destination, type = "unicast", gateway, link, source, from, tos } = route;
  return words(
    ...["ip", destination.address.length === 16 && "-6", "route", verb],
    ...[type !== "unicast" && type, formatPrefix(destination)],
    ...option("from", from && formatPrefix(from)),
    ...option("tos", tos && `0x${tos.toString(16)}`),
    ...option(
      "via",
      gateway && gatewayText(gateway.length === destination.address.length, gateway),
    ),
    ...option("dev", link === undefined ? undefined : nameOf(link)),
    route.onLink && "onlink",
    ...option("src", source && formatAddress(source)),
    ...option("metric", route.metric),
    ...option("table", route.table),
    ...option("mtu", route.mtu),
    ...option("advmss", route.advmss),
    ...option("proto", route.protocol ?? STATIC),
  );
}

function gatewayText(sameFamily: boolean, gateway: Uint8Array): string {
  const text = formatAddress(gateway);
  return sameFamily ? text : `${gateway.length === 16 ? "inet6" : "inet"} ${text}`;
}

/** The command for a policy rule. */
export function ruleCommand(verb: RouteVerb, rule: PolicyRule): string {
  const { from, to, action = "lookup" } = rule;
  return words(
    ...["ip", rule.family === 6 && "-6", "rule", verb, rule.invert && "not"],
    ...option("priority", rule.priority),
    ...option("from", from && formatPrefix(from)),
    ...option("to", to && formatPrefix(to)),
    ...option("fwmark", markText(rule)),
    ...option("iif", rule.inputLink),
    ...option("oif", rule.outputLink),
    ...option("uidrange", rule.uids && `${rule.uids.first}-${rule.uids.last}`),
    ...option("ipproto", rule.ipProtocol),
    ...option("sport", rangeText(rule.sourcePorts)),
    ...option("dport", rangeText(rule.destinationPorts)),
    ...(action === "lookup" ? ["lookup", rule.table ?? "main"] : [action]),
    ...option("suppress_prefixlength", rule.suppressPrefixLength),
    ...option("protocol", rule.protocol ?? STATIC),
  );
}

function markText({ mark, mask }: PolicyRule): string | undefined {
  if (mark === undefined) return undefined;
  return `0x${mark.toString(16)}` + (mask === undefined ? "" : `/0x${mask.toString(16)}`);
}

function rangeText(range: NumberRange | undefined): string | undefined {
  if (range === undefined) return undefined;
  return range.first === range.last ? String(range.first) : `${range.first}-${range.last}`;
}

/** A word and its value; nothing without a value. */
function option(word: string, value: string | number | undefined): (string | number)[] {
  return value === undefined ? [] : [word, value];
}

function words(...parts: readonly (string | number | boolean | undefined)[]): string {
  return parts.filter((part) => typeof part === "string" || typeof part === "number").join(" ");
}
