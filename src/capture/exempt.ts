/** Who is kept out of the tunnel before anything is captured: the proxy, where it is on this host. */

import { SockDiag, type SocketEnd } from "../../ffi/sock_diag_linux.ts";
import { type Address, parseAddress } from "../addr/address.ts";
import type { Settings } from "../config/settings.ts";
import { NOBODY, type Senders } from "../host/firewall/senders.ts";
import type { RecordChange } from "../host/owner/changes.ts";
import type { ExemptionPlan } from "../host/owner/proxy_exemption.ts";
import type { HostLog } from "../host/step.ts";
import {
  describeNews,
  exemptedSenders,
  LocalProxy,
  type LocalProxyOptions,
  mayComeLater,
  refusalOf,
} from "./local_proxy.ts";
import type { ProxyAddresses } from "./proxy_address.ts";

export interface ExemptOptions {
  readonly settings: Settings;
  readonly device: string;
  readonly addresses: readonly Address[];
  readonly proxies: Pick<ProxyAddresses, "local">;
  readonly port: number;
  readonly dry: boolean;
  readonly ownUsers: readonly number[];
  readonly record: RecordChange;
  readonly log: HostLog;
}

/** What it asks of the system; a test makes its own. */
export interface ExemptSystem {
  /** Whether anybody listens there. */
  listens(end: SocketEnd): boolean;
  open(options: LocalProxyOptions): LocalProxy;
}

const THIS_SYSTEM: ExemptSystem = {
  listens(end) {
    const diag = new SockDiag();
    try {
      return diag.listeners(end).length > 0;
    } finally {
      diag.close();
    }
  },
  open: (options) => new LocalProxy(options),
};

export interface Exempted {
  readonly local: LocalProxy | undefined;
  readonly outside: Senders;
  /** The container that the proxy runs in, behind a published port of this host. */
  readonly container: readonly Address[];
  /** Who stays outside, and why: a sentence; empty when nobody has to. */
  readonly said: string;
  close(): void | Promise<void>;
}

/**
 * Exempts it. Throws when that cannot be had, because everything would run in a circle; unless networks
 * are bypassed: then somebody has thought of it.
 */
export function exempt(options: ExemptOptions, system = THIS_SYSTEM): Exempted {
  const { settings, device, addresses, port, ownUsers, record, proxies } = options;
  const ends = proxies.local.map((address) => ({ address, port }));
  // "localhost" has two addresses, and many a proxy listens at one of them only.
  const end = ends.find((each) => system.listens(each)) ?? ends[0];
  if (end === undefined) {
    return { local: undefined, outside: NOBODY, container: [], said: "", close() {} };
  }
  const local = system.open({
    end,
    device,
    mark: settings.capture.fwmark,
    tunnelAddresses: addresses,
    ownUsers,
    record,
  });
  try {
    const found = options.dry ? describePlan(local, options) : start(local, options);
    return { local, ...found, close: () => local.close() };
  } catch (error) {
    void local.close();
    throw error;
  }
}

type Found = Pick<Exempted, "outside" | "container" | "said">;

function start(local: LocalProxy, { settings, log }: ExemptOptions): Found {
  const news = local.start(performance.now());
  const said = describeNews(news, local.end);
  if (news.kind === "not-exempted") {
    const container = containerOf(news.plan);
    if (container !== undefined) return { outside: NOBODY, container: [container], said };
    if (!mayStart(news.plan, settings)) throw refusalOf(news.plan, local.end);
  }
  if (news.kind === "exempted") log.debug(said);
  else log.warn(said);
  return { outside: exemptedSenders(news), container: [], said };
}

function describePlan(local: LocalProxy, { settings, log }: ExemptOptions): Found {
  const plan = local.plan();
  const exempted = plan.kind === "planned" && plan.exemption.kind !== "refused";
  const container = containerOf(plan);
  const served = exempted || container !== undefined;
  if (!served && !mayStart(plan, settings)) throw refusalOf(plan, local.end);
  const said = exempted ? plan.exemption.why : refusalOf(plan, local.end).message;
  log.debug(`[#] # the proxy: ${said}`);
  return { outside: NOBODY, container: container === undefined ? [] : [container], said };
}

/** What such a one sends is forwarded: it is known by its address. */
function containerOf(plan: ExemptionPlan): Address | undefined {
  if (plan.kind !== "container" || plan.address === undefined) return undefined;
  return parseAddress(plan.address);
}

function mayStart(plan: ExemptionPlan, { capture }: Settings): boolean {
  return mayComeLater(plan) || capture.bypass.length > 0;
}
