/** What is known of the SOCKS5 proxy, and what all connections through it have in common. */

import type { Arena } from "../arena.ts";
import type { Settings } from "../config/settings.ts";
import { formatEndpoint } from "../addr/endpoint.ts";
import type { Counters } from "../counters.ts";
import type { Logger } from "../log.ts";
import { Socks5Capability } from "../outbound/socks5/capability.ts";
import {
  type Socks5Command,
  type Socks5Credentials,
  Socks5Handshake,
  type Socks5Target,
} from "../outbound/socks5/handshake.ts";
import { UserError } from "../errors.ts";
import type { Alarm } from "./alarms.ts";
import { Dial, type DialOwner } from "./dial.ts";
import type { Connecting, ConnectListener, Driver } from "./driver.ts";
import { ProxyLog } from "./proxy_log.ts";
import type { PathChange, ProxyPath } from "./proxy_path.ts";
import { Seldom } from "./seldom.ts";
import { WayToProxy } from "./way_to_proxy.ts";

/** Milliseconds from one word that the proxy cannot be reached to the next: flows may fail by thousands. */
export const BETWEEN_TELLINGS = 100;

/** Where a dialer's limits in time come from. */
export interface DialerClock {
  now(): number;
  after(milliseconds: number, callback: () => void): Alarm;
}

export class ProxyDialer {
  readonly capability = new Socks5Capability();
  readonly log: ProxyLog;
  /** Called when the proxy answers again after it could not be reached. */
  onRecovered: () => void = () => {};
  /** Called when a connection to the proxy could not be made, but not every time. */
  onUnreachable: () => void = () => {};
  readonly way: WayToProxy;
  readonly #settings: Settings;
  readonly #port: number;
  readonly #credentials: Socks5Credentials | undefined;
  readonly counters: Counters;
  readonly clock: DialerClock;
  readonly arena: Arena;
  readonly #driver: Pick<Driver, "connect">;
  readonly #telling = new Seldom(BETWEEN_TELLINGS);

  constructor(
    settings: Settings,
    counters: Counters,
    log: Logger,
    clock: DialerClock,
    arena: Arena,
    driver: Pick<Driver, "connect">,
    path?: ProxyPath,
  ) {
    const proxy = settings.proxy;
    if (proxy === undefined) {
      throw new UserError("No proxy is given", {
        hint: "Name one: --socks 127.0.0.1:1080",
        exitCode: 2,
      });
    }
    this.#settings = settings;
    this.way = new WayToProxy(proxy.host, path);
    this.#port = proxy.port;
    this.#credentials = proxy.user === undefined
      ? undefined
      : { user: proxy.user, password: proxy.password ?? "" };
    this.counters = counters;
    this.clock = clock;
    this.arena = arena;
    this.#driver = driver;
    this.log = new ProxyLog(log, formatEndpoint(proxy.host, proxy.port));
  }

  /** Asks the proxy for `target`; `owner` hears what came of it. */
  dial(command: Socks5Command, target: Socks5Target, owner: DialOwner): Dial {
    const dial = new Dial(this, command, target, owner);
    dial.start();
    return dial;
  }

  connect(listener: ConnectListener): Connecting {
    return this.#driver.connect(this.way.hosts, this.#port, listener);
  }

  /** The proxy is somewhere else now, or this host is. */
  follow(path: ProxyPath): PathChange {
    const change = this.way.follow(path);
    if (change.proxyMoved) this.capability.changed();
    return change;
  }

  handshake(command: Socks5Command, target: Socks5Target, pipelined: boolean): Socks5Handshake {
    return new Socks5Handshake({
      command,
      target,
      credentials: this.#credentials,
      pipelined,
      method: this.capability.method,
    });
  }

  get connectTimeout(): number {
    return this.#settings.timeouts.proxyConnect;
  }

  get handshakeTimeout(): number {
    return this.#settings.timeouts.proxyHandshake;
  }

  reached(): void {
    if (!this.log.reached()) return;
    this.capability.changed();
    this.onRecovered();
  }

  unreachable(message: string): void {
    const now = this.clock.now();
    this.log.unreachable(message, now);
    if (this.#telling.isDue(now)) this.onUnreachable();
  }

  failure(kind: string, message: string): void {
    this.log.failure(kind, message, this.clock.now());
  }
}
