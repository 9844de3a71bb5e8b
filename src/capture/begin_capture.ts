/** Everything that a capture needs to know, found out, and the capture begun. */

import { type Address, parseAddress } from "../addr/address.ts";
import { parsePrefix, type Prefix, prefixContains } from "../addr/prefix.ts";
import type { Settings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import { hostKinds } from "../host/all_kinds.ts";
import { runCommand } from "../host/changes/run_command.ts";
import { realDisk } from "../host/disk.ts";
import type { Cgroup } from "../host/firewall/cgroup.ts";
import type { Table } from "../host/firewall/rule.ts";
import { Guardian } from "../host/guardian.ts";
import { Journal, journalDirectories } from "../host/journal.ts";
import { realMachine } from "../host/machine.ts";
import type { RecordChange } from "../host/owner/changes.ts";
import type { ReplayReport } from "../host/replay.ts";
import { hostServers } from "../host/resolv_conf.ts";
import { readFacts, type ResolverHost } from "../host/resolver/facts.ts";
import { upstreamServers } from "../host/resolver/plan.ts";
import type { HostLog } from "../host/step.ts";
import { Transaction } from "../host/transaction.ts";
import { hostHasIpv6 } from "../host/tun_setup.ts";
import { withRoutes } from "../host/with_routes.ts";
import { Capture } from "./capture.ts";
import { type HostFacts, readHostFacts } from "./host_facts.ts";
import { exempt, type Exempted } from "./exempt.ts";
import { nameServers } from "./name_servers.ts";
import type { ProxyAddresses } from "./proxy_address.ts";
import { findSshSession, sessionRisk } from "./ssh_session.ts";
import { ProcessException } from "./process_exception.ts";
import { servedPorts } from "./served_ports.ts";
import { isSwitch } from "./take_over.ts";
import { sendersOf, type TunnelSenders } from "./senders.ts";

export interface CaptureSituation {
  /** Is run when this process dies without a word; none for nothing. */
  readonly lastWill: readonly string[] | undefined;
  readonly settings: Settings;
  readonly device: string;
  /** Of the device. */
  readonly prefixes: readonly Prefix[];
  readonly proxies: ProxyAddresses;
  readonly port: number;
  /** Nothing is changed: what would be is logged. */
  readonly dry: boolean;
  /** A kill switch is in force already: when this fails, one must be after it. */
  readonly keepSwitch: boolean;
  /** Users whose programs are for the tunnel although they run it: root, and who called `sudo`. */
  readonly ownUsers: readonly number[];
  /** XDG_RUNTIME_DIR. */
  readonly runtime: string | undefined;
  readonly log: HostLog;
}

export interface RunningCapture {
  readonly capture: Capture;
  readonly exempted: Exempted;
  /** Texts; to whom the host's resolver was pointed. */
  readonly nameServers: readonly string[];
  /** Who was asked for names before. */
  readonly upstreams: readonly string[];
  /** Gives the host back; the kill switch may stay, for whoever comes next. */
  end(keepSwitch?: boolean): Promise<ReplayReport>;
}

/**
 * Begins with what stays outside; `capture.takeIn` is to be called once the tunnel is served. When it
 * fails, everything is as before, but for a kill switch.
 */
export async function beginCapture(situation: CaptureSituation): Promise<RunningCapture> {
  const tables = new Map<string, Table>();
  const transaction = newTransaction(situation, tables);
  const open: { close(): void | Promise<void> }[] = [];
  const { lastWill } = situation;
  const guardian = lastWill === undefined ? undefined : new Guardian(lastWill);
  const end = async (keepSwitch = false) => {
    for (const each of open.splice(0)) await each.close();
    const report = await transaction.undo(keepSwitch ? isSwitch : undefined);
    await guardian?.release();
    return report;
  };
  try {
    return { ...await begin(situation, transaction, tables, open), end };
  } catch (error) {
    await end(situation.keepSwitch);
    throw error;
  }
}

/** `open` gets what is to be closed before the end. */
async function begin(
  situation: CaptureSituation,
  transaction: Transaction,
  tables: Map<string, Table>,
  open: { close(): void | Promise<void> }[],
): Promise<Omit<RunningCapture, "end">> {
  const { settings, proxies, port } = situation;
  const addresses = situation.prefixes.map(({ address }) => address);
  const facts = withRoutes((socket) => readHostFacts(socket, addresses, hostHasIpv6()));
  const served = servedPorts();
  keepSession(settings.capture, served.tcp);
  const { servers, upstreams } = await findNameServers(situation, facts);
  const record: RecordChange = (change) => transaction.record(change);
  const exempted = exempt({ ...situation, addresses, record });
  open.push(exempted);
  const excepted = exceptPrograms(situation, addresses, record);
  if (excepted !== undefined) open.push(excepted);
  const capture = new Capture({
    ...situation,
    settings: settings.capture,
    facts,
    ...withPrograms(sendersOf(settings.capture), excepted?.cgroup),
    proxySenders: exempted.outside,
    container: exempted.container,
    served,
    nameServers: servers,
    proxies: proxies.remote.map((address) => ({ address, port })),
    proxyHere: exempted.local !== undefined,
    tables,
    transaction,
    resolverHost: RESOLVER_HOST,
  });
  await capture.keepOut();
  return { capture, exempted, nameServers: servers, upstreams };
}

/** Throws when the SSH session that this is typed into would be cut. */
function keepSession(
  { include, bypass, strict }: Settings["capture"],
  served: readonly number[],
): void {
  const session = findSshSession();
  if (session === undefined) return;
  const within = (texts: readonly string[], address: Address) =>
    texts.some((text) => prefixContains(parsePrefix(text)!, address));
  const risk = sessionRisk(session, {
    captures: (address) =>
      (include.length === 0 || within(include, address)) && !within(bypass, address),
    servedPorts: served,
    strict: strict ? { incoming: true, lan: [] } : undefined,
  });
  if (risk !== undefined) throw new UserError(risk.message, { hint: risk.hint });
}

function exceptPrograms(
  { settings, device, dry, log }: CaptureSituation,
  addresses: readonly Address[],
  record: RecordChange,
): ProcessException | undefined {
  const { exceptProcesses: names, fwmark: mark } = settings.capture;
  if (names.length === 0 || dry) return undefined;
  return ProcessException.start({ names, mark, device, tunnelAddresses: addresses, record, log });
}

const RESOLVER_HOST: ResolverHost = {
  disk: realDisk,
  run: runCommand,
  machine: realMachine,
  root: "",
};

function newTransaction(
  { dry, device, runtime, log }: CaptureSituation,
  tables: Map<string, Table>,
): Transaction {
  const directories = journalDirectories(realMachine.uid, runtime);
  const openJournal = () => Journal.create(realDisk, realMachine, directories, device);
  return new Transaction({
    kinds: hostKinds(tables),
    log,
    openJournal: dry ? undefined : openJournal,
  });
}

/** None of either where the host's resolver is left alone. */
async function findNameServers(
  { settings }: CaptureSituation,
  { carried }: HostFacts,
): Promise<{ servers: string[]; upstreams: string[] }> {
  const { include, bypass, dns } = settings.capture;
  const facts = await readFacts(RESOLVER_HOST);
  const upstreams = upstreamServers(facts);
  // The kill switch lets no questions out: then they must have a way into the tunnel.
  const points = dns === "auto" && (include.length === 0 || settings.capture.strict);
  // Another tunnel's are as good as the host's own: those that everybody can reach.
  const asked = facts.holder === undefined ? upstreams : hostServers(facts.text);
  refuseBypassed(settings.dns.servers, bypass);
  const servers = nameServers(settings.dns.servers, asked, carried, bypass);
  return { servers: points ? servers : [], upstreams };
}

/** What is asked outside the tunnel tells everybody on the way, and proves nothing. */
function refuseBypassed(servers: readonly string[], bypass: readonly string[]): void {
  const networks = bypass.map((text) => parsePrefix(text)!);
  const server = servers.find((text) =>
    networks.some((network) => prefixContains(network, parseAddress(text)!))
  );
  if (server === undefined) return;
  throw new UserError(
    `The DNS server ${server} would be asked outside the tunnel: --bypass has it`,
    {
      hint: "--dns-server 1.1.1.1, or another one that is not bypassed",
    },
  );
}

function withPrograms(senders: TunnelSenders, programs: Cgroup | undefined): TunnelSenders {
  if (programs === undefined) return senders;
  const { users, cgroups } = senders.outside;
  return { ...senders, outside: { users, cgroups: [...cgroups, programs] } };
}
