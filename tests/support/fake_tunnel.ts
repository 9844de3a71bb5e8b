/**
 * A whole engine in a test, without privileges: a fake TUN device, a local host behind it, a scripted
 * proxy, and a look at what is left when it is over.
 */

import { assertEquals } from "@std/assert";
import { defaultSettings, type Settings } from "../../src/config/settings.ts";
import { EventFd } from "../../ffi/event_fd_linux.ts";
import { AsyncDriver } from "../../src/engine/async_driver.ts";
import type { Driver, DriverParts } from "../../src/engine/driver.ts";
import { UringDriver } from "../../src/engine/uring_driver.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { EngineOptions } from "../../src/engine/engine_handle.ts";
import { figuresOf } from "../../src/engine/figures.ts";
import { configureLogging, resetLogging } from "../../src/log/output.ts";
import { eventually } from "./eventually.ts";
import { LocalHost } from "./fake_local_host.ts";
import { FakeSocks5, type Script } from "./fake_socks5.ts";
import { fakeTun, type FakeTunDevice } from "./fake_tun.ts";

const PATIENCE = 60_000;

/** Changes settings before the engine is made. */
export type Adjust = (settings: Settings) => void;

export interface TunnelOptions {
  readonly script: Script;
  readonly vnet?: boolean;
  /** Bytes that the local host's applications let wait. */
  readonly localFlowBytes?: number;
  readonly set?: Adjust;
  /** False: nobody listens where the proxy should be. */
  readonly listening?: boolean;
  /** False: the test calls `engine.start` itself. */
  readonly started?: boolean;
  /** Instead of the one that the run is for. */
  readonly driver?: DriverName;
  readonly engine?: EngineOptions;
  /** Where the proxy listens, else than on 127.0.0.1. */
  readonly proxyHost?: string;
}

export interface FakeTunnel {
  readonly engine: Engine;
  readonly host: LocalHost;
  readonly proxy: FakeSocks5;
  readonly device: FakeTunDevice;
  readonly log: string[];
  /** Waits for a line in the log that has `text` in it. */
  logged(text: string): Promise<string>;
}

/** Runs `body` with a tunnel, UDP off unless `set` says otherwise; then nothing may be left of it. */
export async function withTunnel(
  options: TunnelOptions,
  body: (tunnel: FakeTunnel) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  configureLogging({ level: "debug", format: "text" }, {
    write: (line) => void log.push(line),
    paint: (_style, text) => text,
  });
  const proxy = new FakeSocks5(options.script, options.proxyHost);
  proxy.start();
  if (options.listening === false) await proxy.stopListening();
  const { device, far } = fakeTun(options.vnet ?? true);
  const settings = settingsFor(proxy.port);
  options.set?.(settings);
  const host = new LocalHost(far, settings.tun.mtu, options.localFlowBytes);
  const wake = new EventFd();
  const engine = new Engine(
    device,
    settings,
    (parts) => makeDriver(options.driver ?? driverName(), parts, wake),
    options.engine,
  );
  const logged = (text: string) => {
    return eventually(
      `"${text}" is logged`,
      () => log.find((line) => line.includes(text)),
      PATIENCE,
    );
  };
  try {
    if (options.started !== false) await engine.start();
    await body({ engine, host, proxy, device, log, logged });
  } finally {
    await engine.close();
    await proxy.stop();
    await host.close();
    far.close();
    device.close();
    wake.close();
    resetLogging();
  }
  assertEquals(proxy.errors, [], "the proxy's scripts");
  await nothingLeft(engine);
}

/** Waits until the engine holds nothing for anybody; for the middle of a test, before `close` tidies up. */
export async function quiet(engine: Engine): Promise<void> {
  await eventually("nothing is under way", () => {
    assertEquals(engine.tcpRelays, 0, "relays");
    assertEquals(engine.bytesBuffered, 0, "bytes buffered");
    assertEquals(engine.stack.connections.halfOpen, 0, "half-open connections");
    return true;
  }, PATIENCE);
}

/** After `close` every gauge that `status` shows is zero, and every slot free. */
async function nothingLeft(engine: Engine): Promise<void> {
  await eventually("nothing is left of the engine", () => {
    const { gauges } = figuresOf(engine);
    const left = Object.entries(gauges).filter(([, value]) => value !== 0);
    assertEquals(left, [], "gauges");
    assertEquals(engine.arena.freeLarge, engine.arena.largeCount, "large slots");
    assertEquals(engine.arena.freeSmall, engine.arena.smallCount, "small slots");
    return true;
  });
}

function settingsFor(port: number): Settings {
  const settings = defaultSettings();
  settings.proxy = { host: "127.0.0.1", port, user: undefined, password: undefined };
  settings.udp = "off";
  settings.limits.totalBytes = 64 << 20;
  return settings;
}

/** On which driver: "deno" is the async one where no descriptor is found. */
export type DriverName = "async" | "deno" | "uring";

/** The whole of these tests runs once with each driver: the variable says which. */
function driverName(): DriverName {
  const name = Deno.env.get("ZTUN_TEST_DRIVER") ?? "async";
  if (name === "async" || name === "deno" || name === "uring") return name;
  throw new Error(`ZTUN_TEST_DRIVER=${name} names no driver`);
}

/** What the proxy sees of a reset: without a descriptor the system offers none. */
export const seenAsReset: "reset" | "end" = driverName() === "deno" ? "end" : "reset";

/** A driver by its name; `wake` is what another thread would signal. */
export function makeDriver(name: DriverName, parts: DriverParts, wake: EventFd): Driver {
  if (name === "async") return new AsyncDriver(parts);
  if (name === "deno") return new AsyncDriver(parts, { find: () => -1, release: () => {} });
  // The test shares the driver's thread, and needs the event loop all the time.
  return new UringDriver(parts, { wake, expectsMessage: () => true });
}
