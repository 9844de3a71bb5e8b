/**
 * Keeps a capture right while the host changes around it: networks come and go, the proxy is restarted,
 * somebody writes resolv.conf, the machine sleeps.
 *
 * It waits to be told wherever the system tells. What it only can look for it looks for seldom, so that an
 * idle tunnel sleeps; while the proxy is gone, often. One thing is done at a time.
 */

import type { RouteSocket } from "../../ffi/types.ts";
import type { Address } from "../addr/address.ts";
import type { FlowSample } from "../engine/flow_sample.ts";
import type { ProxyPath } from "../engine/proxy_path.ts";
import type { WithRoutes } from "../host/changes/route_change.ts";
import type { ProxyAddress } from "../host/firewall/kill_switch_plan.ts";
import type { Senders } from "../host/firewall/senders.ts";
import type { HostLog } from "../host/step.ts";
import { withRoutes } from "../host/with_routes.ts";
import { describeReason, type Difference } from "../netmon/difference.ts";
import type { HostState } from "../netmon/host_state.ts";
import { Monitor, type MonitorOptions } from "../netmon/monitor.ts";
import type { JudgeFlow } from "./flow_judge.ts";
import { describeNews, exemptedSenders, type LocalProxy } from "./local_proxy.ts";
import type { ProxyAddresses } from "./proxy_address.ts";

/** The engine, as far as it has to follow. */
export interface FollowingEngine {
  follow(path: ProxyPath): Promise<void>;
  newestFlow(): Promise<FlowSample | undefined>;
}

/** The capture, as far as it has to. */
export interface FollowingCapture {
  readonly routing: { readonly mark: number };
  readonly resolver: { look(now: number): Promise<boolean> } | undefined;
  setProxies(proxies: readonly ProxyAddress[]): Promise<void>;
  letOut(senders: Senders): Promise<void>;
  follow(): Promise<void>;
  restore(kinds?: readonly string[]): Promise<string[]>;
}

export interface KeeperOptions {
  readonly capture: FollowingCapture;
  readonly engine: FollowingEngine;
  readonly proxies: Pick<
    ProxyAddresses,
    "again" | "failed" | "networkChanged" | "nextLook" | "remote" | "texts"
  >;
  readonly port: number;
  /** The proxy, where it is on this host. */
  readonly local:
    | Pick<LocalProxy, "connectFailed" | "end" | "nextLook" | "onExit" | "tick">
    | undefined;
  /** What became of it at the start. */
  readonly said: string;
  readonly judgeFlow: JudgeFlow;
  readonly device: string;
  readonly log: HostLog;
}

/** What it needs of the system; a test makes its own. */
export interface KeeperSystem {
  watchNetwork(options: MonitorOptions): Pick<Monitor, "state" | "close">;
  /** Tells of files in /etc; undefined where the system cannot. */
  watchFiles(): FileWatch | undefined;
  readonly withRoutes: WithRoutes;
  now(): number;
  /** Calls back once, later; gives what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export interface FileWatch extends AsyncIterable<{ readonly paths: readonly string[] }> {
  close(): void;
}

const LOOK_EVERY_MS = 10_000;
const LEAST_PAUSE_MS = 10;

export class Keeper {
  /** Whether there is a way to the proxy, as far as this host knows. */
  online = true;
  /** What is to be said of the proxy of this host; empty without one. */
  proxyNews: string;
  /** Whether all is there that the tunnel has made on the host. */
  intact = true;
  /** How often the network has changed. */
  changes = 0;
  readonly #options: KeeperOptions;
  readonly #system: KeeperSystem;
  readonly #monitor: Pick<Monitor, "state" | "close">;
  readonly #files: FileWatch | undefined;
  #cancelLook = () => {};
  /** A look waits for its turn. */
  #lookDue = false;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: KeeperOptions, system = THIS_SYSTEM) {
    this.#options = options;
    this.#system = system;
    const { device, log } = options;
    this.proxyNews = options.said;
    if (options.local !== undefined) options.local.onExit = () => this.proxyUnreachable();
    this.#monitor = system.watchNetwork({
      onChange: (found) => this.#inTurn(() => this.#networkChanged(found)),
      onNews: () => void this.#inTurn(() => this.#restore()),
      isOurs: (name) => name === device,
      log,
    });
    this.#files = system.watchFiles();
    void this.#attempt(() => this.#watchFiles());
    this.#schedule();
  }

  /** A connection to the proxy failed: perhaps it is another one's turn. */
  proxyUnreachable(): void {
    const { local, proxies } = this.#options;
    local?.connectFailed(this.#system.now());
    proxies.failed();
    this.#lookInTurn();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook();
    this.#files?.close();
    await this.#monitor.close();
    await this.#last;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      if (this.#closed) return;
      await this.#attempt(work);
      this.#schedule();
    });
    return this.#last;
  }

  /** What fails is told, and keeps nobody from what comes after it. */
  async #attempt(work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { log } = this.#options;
      log.warn(`Cannot keep up with the host: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** However many ask meanwhile, there is one look. */
  #lookInTurn(): void {
    if (this.#lookDue) return;
    this.#lookDue = true;
    void this.#inTurn(async () => {
      this.#lookDue = false;
      await this.#look();
    });
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancelLook();
    const { local, proxies } = this.#options;
    const now = this.#system.now();
    const proxyLook = Math.min(local?.nextLook(now) ?? Infinity, proxies.nextLook);
    const pause = Math.min(LOOK_EVERY_MS, proxyLook - now);
    this.#cancelLook = this.#system.after(
      Math.max(pause, LEAST_PAUSE_MS),
      () => this.#lookInTurn(),
    );
  }

  async #watchFiles(): Promise<void> {
    if (this.#files === undefined) return;
    for await (const { paths } of this.#files) {
      if (paths.some((path) => path.endsWith("/resolv.conf"))) {
        void this.#inTurn(() => this.#lookAtNames());
      }
    }
  }

  async #look(): Promise<void> {
    const now = this.#system.now();
    await this.#attempt(() => this.#lookAtProxy(now));
    await this.#attempt(() => this.#restore(["table"]));
    await this.#attempt(() => this.#lookAtNames());
    await this.#attempt(() => this.#lookForLoop(now));
    void this.#lookForProxy(now);
  }

  async #lookAtProxy(now: number): Promise<void> {
    const { local, log, capture } = this.#options;
    const news = local?.tick(now);
    if (news === undefined) return;
    const said = describeNews(news, local!.end);
    this.proxyNews = said;
    if (news.kind === "exempted") log.debug(said);
    else log.warn(said);
    if (news.kind === "exempted") await capture.letOut(exemptedSenders(news));
  }

  async #lookAtNames(): Promise<void> {
    await this.#options.capture.resolver?.look(this.#system.now());
  }

  async #lookForLoop(now: number): Promise<void> {
    const flow = await this.#options.engine.newestFlow();
    const loop = flow === undefined ? undefined : this.#options.judgeFlow(flow, now);
    if (loop !== undefined) this.#options.log.warn(loop.message);
  }

  /** Of the firewall nobody tells: its tables are asked for with the time. */
  async #restore(kinds?: readonly string[]): Promise<void> {
    this.intact = false;
    const restored = await this.#options.capture.restore(kinds);
    this.intact = true;
    if (restored.length === 0) return;
    const what = restored.join(", ");
    this.#options.log.warn(`Somebody has taken down what the tunnel needs; done again: ${what}`);
  }

  /** A proxy with a name may have moved. Whom that is asked may not answer for seconds: nobody waits. */
  async #lookForProxy(now: number): Promise<void> {
    if (await this.#options.proxies.again(now)) await this.#inTurn(() => this.#proxyMoved());
    else this.#schedule();
  }

  async #proxyMoved(): Promise<void> {
    const { proxies, capture, port } = this.#options;
    await this.#attempt(() =>
      capture.setProxies(proxies.remote.map((address) => ({ address, port })))
    );
    await this.#tellEngine(this.#monitor.state);
  }

  async #networkChanged(found: Difference): Promise<void> {
    const { log, capture, proxies } = this.#options;
    this.changes++;
    log.debug(`The network has changed: ${found.reasons.map(describeReason).join(", ")}`);
    await this.#attempt(() => capture.follow());
    await this.#attempt(() => this.#tellEngine(found.after));
    proxies.networkChanged();
    await this.#look();
  }

  async #tellEngine(state: HostState): Promise<void> {
    const { engine, proxies, log } = this.#options;
    const online = this.#hasWay();
    if (online !== this.online) log.warn(online ? "The network is back" : "There is no network");
    this.online = online;
    const own = state.addresses.map(({ prefix }) => prefix.slice(0, prefix.indexOf("/")));
    await engine.follow({ addresses: proxies.texts, online, local: own });
  }

  #hasWay(): boolean {
    const { local, proxies, capture: { routing: { mark } } } = this.#options;
    return local !== undefined ||
      this.#system.withRoutes((socket) =>
        proxies.remote.some((address) => isReached(socket, address, mark))
      );
  }
}

function isReached(socket: RouteSocket, address: Address, mark: number): boolean {
  return socket.lookup(address, { mark })?.type === "unicast";
}

const THIS_SYSTEM: KeeperSystem = {
  watchNetwork: (options) => Monitor.start(options),
  watchFiles: watchConfiguration,
  withRoutes,
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Where the system cannot tell, it is looked at with the time. */
function watchConfiguration(): FileWatch | undefined {
  try {
    return Deno.watchFs("/etc", { recursive: false });
  } catch {
    return undefined;
  }
}
