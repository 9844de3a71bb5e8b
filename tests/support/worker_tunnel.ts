/**
 * An engine on a thread of its own in a test, without privileges: a fake TUN device, the local host behind
 * it, and a scripted proxy, all of them on the test's own thread.
 */

import { defaultSettings } from "../../src/config/settings.ts";
import type { EngineOptions } from "../../src/engine/engine_handle.ts";
import { WorkerEngine } from "../../src/engine/worker_engine.ts";
import type { EngineFigures } from "../../src/figures.ts";
import { configureLogging, resetLogging } from "../../src/log/output.ts";
import { eventually } from "./eventually.ts";
import { LocalHost } from "./fake_local_host.ts";
import { FakeSocks5, type Script } from "./fake_socks5.ts";
import type { Adjust } from "./fake_tunnel.ts";
import { fakeTun, type FakeTunDevice } from "./fake_tun.ts";

const PATIENCE = 60_000;

export interface WorkerOptions {
  readonly script: Script;
  readonly driver?: "async" | "uring";
  readonly set?: Adjust;
  /** False: the test calls `engine.make` itself. */
  readonly made?: boolean;
  readonly engine?: EngineOptions;
  /** Where the proxy listens, else than on 127.0.0.1. */
  readonly proxyHost?: string;
}

export interface WorkerTunnel {
  readonly engine: WorkerEngine;
  readonly host: LocalHost;
  readonly proxy: FakeSocks5;
  readonly device: FakeTunDevice;
  readonly log: string[];
  /** Asks until the figures are as wanted. */
  figures(what: string, wanted: (figures: EngineFigures) => boolean): Promise<EngineFigures>;
}

/** Runs `body` with an engine that is made and not started, UDP off unless `set` says otherwise. */
export async function withWorker(
  { script, driver = "uring", set, made = true, engine: options, proxyHost }: WorkerOptions,
  body: (tunnel: WorkerTunnel) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  const proxy = new FakeSocks5(script, proxyHost);
  proxy.start();
  const { device, far } = fakeTun(true);
  const settings = defaultSettings();
  settings.proxy = { host: "127.0.0.1", port: proxy.port, user: undefined, password: undefined };
  settings.udp = "off";
  settings.limits.totalBytes = 64 << 20;
  settings.log.level = "debug";
  set?.(settings);
  configureLogging(settings.log, {
    write: (line) => void log.push(line),
    paint: (_style, text) => text,
  });
  const host = new LocalHost(far, settings.tun.mtu);
  const engine = new WorkerEngine(driver, device, settings, options);
  const figures: WorkerTunnel["figures"] = (what, wanted) =>
    eventually(what, async () => {
      const now = await engine.figures();
      return wanted(now) ? now : undefined;
    }, PATIENCE);
  try {
    if (made) await engine.make();
    await body({ engine, host, proxy, device, log, figures });
  } finally {
    await engine.close();
    await proxy.stop();
    await host.close();
    far.close();
    device.close();
    resetLogging();
  }
  if (proxy.errors.length > 0) throw new AggregateError(proxy.errors, "the proxy's scripts");
}
