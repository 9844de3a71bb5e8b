/** The firewall tables of a tunnel: who stays outside, and with --strict what may leave at all. Pure. */

import type { Address } from "../addr/address.ts";
import { parsePrefix } from "../addr/prefix.ts";
import {
  killSwitchPlan,
  type KillSwitchSettings,
  type ProxyAddress,
} from "../host/firewall/kill_switch_plan.ts";
import { markPlan } from "../host/firewall/mark_plan.ts";
import { type Mark, type Table, tableName, WHOLE_MASK } from "../host/firewall/rule.ts";
import type { ForwardedInterfaces, Senders } from "../host/firewall/senders.ts";
import type { InternalInterfaces } from "./host_facts.ts";

export interface TableSettings {
  readonly device: string;
  readonly addresses: readonly Address[];
  readonly mark: number;
  readonly connectionMark: number;
  readonly outside: Senders;
  readonly inside: Senders | undefined;
  readonly forwarded: ForwardedInterfaces;
  /** Containers that are the proxy. */
  readonly sources: readonly Address[];
  readonly servedPorts: readonly number[];
  readonly servedUdpPorts: readonly number[];
  readonly clientPorts: { readonly from: number; readonly to: number };
  /** None leave the questions for names alone. */
  readonly nameServers: readonly Address[];
  readonly internal: InternalInterfaces;
  readonly strict: boolean;
  /** The proxy runs on this host. */
  readonly proxyHere: boolean;
  /** The proxy, where it is on another host. */
  readonly proxies: readonly ProxyAddress[];
  /** Networks that stay outside by choice; with the LAN's, where it may be reached. */
  readonly permitted: readonly string[];
}

export const markTable = (device: string) => tableName("mark", device);
export const strictTable = (device: string) => tableName("strict", device);

/** In the order in which they are made. */
export function planTables(settings: TableSettings): Table[] {
  const mark: Mark = { value: settings.mark, mask: WHOLE_MASK };
  const connectionMark: Mark = { value: settings.connectionMark, mask: WHOLE_MASK };
  const internal = settings.internal.networks.map((text) => parsePrefix(text)!);
  const marks = markPlan({ ...settings, mark, connectionMark, internal });
  return settings.strict
    ? [marks, killSwitchPlan({ ...killSwitch(settings, mark), connectionMark })]
    : [marks];
}

function killSwitch(
  settings: TableSettings,
  mark: Mark,
): Omit<KillSwitchSettings, "connectionMark"> {
  const { device, outside, inside, forwarded, proxies, internal, permitted, servedPorts } =
    settings;
  return {
    device,
    mark,
    proxies,
    relays: proxies.map(({ address }) => address),
    outside,
    proxyHere: settings.proxyHere,
    onlySome: inside !== undefined,
    forwarded,
    sources: settings.sources,
    internal: internal.names,
    lan: permitted.map((text) => parsePrefix(text)!),
    incoming: true,
    servedPorts,
  };
}
