/**
 * `up`, whole: a device on the host, the engine that serves it, the host's traffic captured into it, and
 * all of it kept right until the end.
 *
 * In this order nothing is captured that is not served yet; at the end, the other way round.
 */

import type { ProxySettings, Settings } from "../config/settings.ts";
import type { PathEnvironment } from "../control/socket_path.ts";
import type { CaptureStatus, TunnelState } from "../control/status.ts";
import { Exit, UserError } from "../errors.ts";
import { withHostLock } from "../host/host_lock.ts";
import { realRecoveryHost } from "../host/recovery_host.ts";
import type { HostLog } from "../host/step.ts";
import { type HostDevice, setUpDevice } from "../host/tun_setup.ts";
import { Tunnel } from "../tunnel/tunnel.ts";
import { beginCapture, type RunningCapture } from "./begin_capture.ts";
import { captureStatus } from "./capture_status.ts";
import { Keeper } from "./keeper.ts";
import { flowJudge } from "./flow_judge.ts";
import { ownUsers } from "./own_users.ts";
import { prove } from "./prove.ts";
import { proveProxy } from "./prove_proxy.ts";
import { ProxyAddresses } from "./proxy_address.ts";
import { markTable, strictTable } from "./tables.ts";
import { blamesSwitch, dropOldSwitches, undoLeftovers } from "./take_over.ts";

export interface HostTunnelOptions {
  readonly settings: Settings;
  readonly proxy: ProxySettings;
  readonly environment: PathEnvironment;
  /** The words that run this program. */
  readonly selfCommand: readonly string[];
  readonly log: HostLog;
  /** Settles when somebody wants to stop: nothing is waited for any more. */
  readonly hurry: Promise<void>;
}

export class HostTunnel {
  readonly device: string;
  /** Settles when somebody asks for the end by the control socket. */
  readonly stopAsked: Promise<void>;
  /** Settles with the reason when nobody has confirmed it in time. */
  readonly unconfirmed: Promise<string>;
  readonly #options: HostTunnelOptions;
  readonly #host: HostDevice;
  readonly #proxies: ProxyAddresses;
  /** Settles when anybody wants to stop, by a signal or by the control socket. */
  readonly #hurry: Promise<void>;
  #tunnel: Tunnel | undefined;
  #running: RunningCapture | undefined;
  #keeper: Keeper | undefined;
  #state: TunnelState = "starting";
  /** At the end its kill switch stays. */
  #keepsSwitch = false;
  #released: Promise<void> | undefined;
  #askStop: () => void = () => {};
  #giveUp: (reason: string) => void = () => {};
  #confirmLimit: ReturnType<typeof setTimeout> | undefined;

  /** Everything, proven, unless somebody wants to stop first; on failure nothing is left but a kill switch. */
  static async start(options: HostTunnelOptions): Promise<HostTunnel> {
    const { settings, environment, log } = options;
    const { routes, strict } = settings.capture;
    const left = realRecoveryHost(environment);
    const hadSwitch = routes &&
      await alone(environment, () => undoLeftovers(left, strict, log));
    const proxies = await Promise.race([findProxy(options), stopped(options.hurry)]);
    const host = setUpDevice(settings.tun, settings.workers, log);
    const tunnel = new HostTunnel(options, host, proxies);
    try {
      await tunnel.#start(hadSwitch);
      return tunnel;
    } catch (error) {
      // A service that cannot start again must not open what its last life had shut.
      tunnel.#keepsSwitch = hadSwitch;
      if (hadSwitch) log.warn("The kill switch stays in force; `sudo ztun down` takes it away");
      await tunnel.close();
      throw error;
    }
  }

  private constructor(options: HostTunnelOptions, host: HostDevice, proxies: ProxyAddresses) {
    this.#options = options;
    this.#host = host;
    this.#proxies = proxies;
    this.device = host.device.name;
    this.stopAsked = new Promise((resolve) => this.#askStop = resolve);
    this.unconfirmed = new Promise((resolve) => this.#giveUp = resolve);
    this.#hurry = Promise.race([options.hurry, this.stopAsked])
      .then(() => void (this.#state = "stopping"));
  }

  /** What `status` says. */
  get state(): TunnelState {
    if (this.#state === "starting" || this.#state === "stopping") return this.#state;
    return this.#keeper?.online === false ? "offline" : this.#state;
  }

  /** Settles with the reason when the tunnel ends by itself. */
  get failed(): Promise<string> {
    return this.#tunnel!.failed;
  }

  async #start(hadSwitch: boolean): Promise<void> {
    const { settings } = this.#options;
    const { routes, probe } = settings.capture;
    // First of all: the engine's own connections go by that way too.
    if (routes) this.#running = await this.#keepOut(hadSwitch);
    this.#tunnel = await this.#serve();
    if (routes && !this.#isStopping) await this.#takeIn(this.#tunnel, this.#running!);
    if (routes && probe && !this.#isStopping) await this.#prove(this.#tunnel);
    if (this.#isStopping) return;
    this.#state = "ready";
    if (settings.capture.confirm > 0) this.#awaitConfirmation(settings.capture.confirm);
  }

  get #isStopping(): boolean {
    return this.#state === "stopping";
  }

  #awaitConfirmation(limit: number): void {
    this.#state = "unconfirmed";
    const reason = "Nobody has confirmed the tunnel in time: everything is undone";
    this.#confirmLimit = setTimeout(() => {
      this.#state = "stopping";
      this.#giveUp(reason);
    }, limit);
  }

  #confirm(): void {
    if (this.#state !== "unconfirmed") throw new UserError("There is nothing to confirm");
    clearTimeout(this.#confirmLimit);
    this.#state = "ready";
  }

  #serve(): Promise<Tunnel> {
    const { settings, environment } = this.#options;
    const { capture } = settings;
    return Tunnel.start({
      settings,
      queues: this.#host.queues,
      command: "up",
      environment,
      hurry: this.#hurry,
      engine: {
        mark: capture.routes ? capture.fwmark : 0,
        path: { addresses: this.#proxies.texts, online: true, local: undefined },
      },
      onProxyUnreachable: () => this.#keeper?.proxyUnreachable(),
      state: () => this.state,
      capture: () => this.#captureStatus(),
      stop: () => this.#askStop(),
      confirm: () => this.#confirm(),
    });
  }

  #keepOut(keepSwitch: boolean): Promise<RunningCapture> {
    const { settings, proxy, environment, selfCommand, log } = this.#options;
    return alone(environment, () =>
      beginCapture({
        settings,
        device: this.device,
        prefixes: this.#host.prefixes,
        proxies: this.#proxies,
        port: proxy.port,
        dry: false,
        keepSwitch,
        // The kill switch has to outlive this process.
        lastWill: settings.capture.strict ? undefined : [...selfCommand, "cleanup"],
        ownUsers: ownUsers(environment),
        runtime: environment.env("XDG_RUNTIME_DIR"),
        log,
      }));
  }

  async #takeIn(tunnel: Tunnel, running: RunningCapture): Promise<void> {
    const { settings, proxy, environment, log } = this.#options;
    const { capture, exempted, upstreams } = running;
    await capture.takeIn();
    const { fwmark: mark, strict } = settings.capture;
    if (strict) {
      await dropOldSwitches(
        realRecoveryHost(environment),
        new Set([strictTable(this.device), markTable(this.device)]),
        log,
      );
    }
    this.#proxies.askBy({ servers: upstreams, mark, outside: !strict });
    this.#keeper = new Keeper({
      capture,
      engine: tunnel.engine,
      proxies: this.#proxies,
      port: proxy.port,
      local: exempted.local,
      said: exempted.said,
      judgeFlow: flowJudge(exempted.local),
      device: this.device,
      log,
    });
  }

  /** What programs send arrives, and is answered. */
  async #prove(tunnel: Tunnel): Promise<void> {
    const { proxy, log } = this.#options;
    const { device } = this;
    const servers = this.#running!.nameServers;
    // Where only some programs are for the tunnel, this one is not among them.
    if (servers.length === 0 || this.#isApart()) {
      const addresses = this.#proxies.texts;
      return await proveProxy({ proxy, addresses, hurry: this.#hurry, log });
    }
    await prove({ device, servers, engine: tunnel.engine, hurry: this.#hurry, log });
  }

  #isApart(): boolean {
    const { inside, outside } = this.#running!.capture.senders;
    const uid = this.#options.environment.uid() ?? 0;
    return inside !== undefined || outside.users.some(({ from, to }) => from <= uid && uid <= to);
  }

  #captureStatus(): CaptureStatus | undefined {
    const running = this.#running;
    const keeper = this.#keeper;
    if (running === undefined || keeper === undefined) return undefined;
    return captureStatus(running, keeper, this.#options.settings.capture);
  }

  /**
   * Ends the flows in order, within the grace time, then gives the host back: until then what programs have
   * to say to their ends still comes here.
   */
  async stop(): Promise<void> {
    try {
      await this.#tunnel?.stop();
    } finally {
      await this.#release();
    }
  }

  /** It has ended by itself: what nobody has asked for must not open what the kill switch shuts. */
  async giveUp(): Promise<void> {
    const { settings, log } = this.#options;
    this.#keepsSwitch = settings.capture.strict;
    if (this.#keepsSwitch) {
      log.warn("The kill switch stays in force; `sudo ztun down` takes it away");
    }
    await this.close();
  }

  /** Ends everything now; also while `stop` is waiting. */
  async close(): Promise<void> {
    try {
      await this.#tunnel?.close();
    } finally {
      await this.#release();
    }
  }

  /** Once, whoever calls first. */
  #release(): Promise<void> {
    this.#released ??= this.#giveBack();
    return this.#released;
  }

  async #giveBack(): Promise<void> {
    clearTimeout(this.#confirmLimit);
    try {
      await this.#keeper?.close();
    } finally {
      const running = this.#running;
      const keep = this.#keepsSwitch;
      if (running !== undefined) await alone(this.#options.environment, () => running.end(keep));
    }
    await this.#proxies.close();
    this.#host.close();
  }
}

async function findProxy({ proxy, environment }: HostTunnelOptions): Promise<ProxyAddresses> {
  try {
    return await ProxyAddresses.resolve(proxy.host, performance.now());
  } catch (error) {
    throw blamesSwitch(realRecoveryHost(environment), error);
  }
}

/** Nothing is there yet that would have to be ended in order. */
async function stopped(hurry: Promise<void>): Promise<never> {
  await hurry;
  throw new UserError("Stopped before there was a tunnel", { exitCode: Exit.Interrupted });
}

/** While no other tunnel begins or ends. */
function alone<T>(environment: PathEnvironment, body: () => Promise<T>): Promise<T> {
  const { disk, machine, directories } = realRecoveryHost(environment);
  return withHostLock(disk, machine, directories, body);
}
