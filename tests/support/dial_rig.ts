/** A dialer under a clock that the test moves, whose connections come about or not, as the test says. */

import { defaultSettings } from "../../src/config/settings.ts";
import { Counters } from "../../src/counters.ts";
import { Arena } from "../../src/arena.ts";
import { Alarms } from "../../src/engine/alarms.ts";
import type { Dial, DialOwner, Failed } from "../../src/engine/dial.ts";
import type { ConnectListener, ProxySocket, SocketListener } from "../../src/engine/driver.ts";
import { ProxyDialer } from "../../src/engine/proxy_dialer.ts";
import type { ProxyPath } from "../../src/engine/proxy_path.ts";
import { getLogger } from "../../src/log.ts";

const TARGET = { kind: "ip", address: new Uint8Array([203, 0, 113, 7]), port: 80 } as const;
const SLOTS = 4;

/** One connection that was asked for. */
export class Attempt implements ProxySocket {
  readonly remoteAddr = { hostname: "192.0.2.1", port: 1080 };
  localAddr = { hostname: "198.51.100.1", port: 50_000 };
  listener: SocketListener;
  /** What became of it: "reset", "closed". */
  readonly told: string[] = [];

  constructor(readonly hosts: readonly string[], readonly asker: ConnectListener) {
    this.listener = asker;
  }

  receive(): void {}

  send(at: number, end: number): number {
    return end - at;
  }

  sendNow(at: number, end: number): number {
    return end - at;
  }

  closeWrite(): void {}

  reset(): void {
    this.told.push("reset");
  }

  close(): void {
    this.told.push("closed");
  }
}

export class DialRig implements DialOwner {
  now = 0;
  readonly attempts: Attempt[] = [];
  readonly failures: Failed[] = [];
  /** When it was told that the proxy cannot be reached. */
  readonly tellings: number[] = [];
  readonly counters = new Counters();
  readonly dialer: ProxyDialer;
  readonly #alarms = new Alarms();

  constructor(path: ProxyPath) {
    const settings = defaultSettings();
    settings.proxy = { host: "proxy.lab", port: 1080, user: undefined, password: undefined };
    const arena = new Arena(new Uint8Array(Arena.size(SLOTS, SLOTS)), SLOTS, SLOTS);
    const clock = {
      now: () => this.now,
      after: (ms: number, callback: () => void) => this.#alarms.set(this.now + ms, callback),
    };
    const connect = (hosts: readonly string[], _port: number, listener: ConnectListener) => {
      const attempt = new Attempt(hosts, listener);
      this.attempts.push(attempt);
      return attempt;
    };
    const log = getLogger(["ztun", "test"]);
    this.dialer = new ProxyDialer(settings, this.counters, log, clock, arena, { connect }, path);
    this.dialer.onUnreachable = () => this.tellings.push(this.now);
  }

  dial(): Dial {
    return this.dialer.dial("connect", TARGET, this);
  }

  /** As the engine does it, with these as what is under way. */
  follow(path: ProxyPath, ...dials: Dial[]): void {
    const change = this.dialer.follow(path);
    for (const dial of dials) dial.follow(change);
    this.dialer.way.resume();
  }

  /** Lets time pass until `now`. */
  until(now: number): void {
    while (this.#alarms.nextDeadline <= now) {
      this.now = this.#alarms.nextDeadline;
      this.#alarms.advance(this.now);
    }
    this.now = now;
  }

  get last(): Attempt {
    return this.attempts.at(-1)!;
  }

  get outcomes(): string[] {
    return this.failures.map(({ outcome }) => outcome);
  }

  dialled(): void {
    throw new Error("No proxy answers here");
  }

  undialled(failure: Failed): void {
    this.failures.push(failure);
  }
}
