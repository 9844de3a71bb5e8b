/** Which engine serves, and what is said when it is not the one that was hoped for. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultSettings, type Settings } from "../../../src/config/settings.ts";
import { chooseEngine } from "../../../src/engine/choose_engine.ts";
import type { EngineHandle, EngineOptions } from "../../../src/engine/engine_handle.ts";
import { LocalEngine } from "../../../src/engine/local_engine.ts";
import { UserError } from "../../../src/errors.ts";
import { configureLogging, resetLogging } from "../../../src/log/output.ts";
import { fakeTun } from "../../support/fake_tun.ts";
import { uringTest } from "../../support/needs_uring.ts";
import { rootTest } from "../../support/root.ts";
import { withoutCapabilities } from "../../support/without_capabilities.ts";

const FORBIDDEN = "io_uring_setup is forbidden: EPERM";

const forbidden = () => FORBIDDEN;
const allowed = () => undefined;
const never = () => {
  throw new Error("Nobody asked for io_uring");
};

/** Chooses, and gives the lines of the log to `body` with what was chosen. */
async function choosing(
  asked: Settings["engine"],
  probe: () => string | undefined,
  body: (engine: EngineHandle, log: string[]) => Promise<void> | void,
  set: (settings: Settings) => void = () => {},
  options: EngineOptions = {},
): Promise<void> {
  const log: string[] = [];
  configureLogging({ level: "info", format: "text" }, {
    write: (line) => void log.push(line),
    paint: (_style, text) => text,
  });
  const { device, far } = fakeTun(true);
  const settings = defaultSettings();
  settings.proxy = { host: "127.0.0.1", port: 9, user: undefined, password: undefined };
  settings.udp = "off";
  settings.engine = asked;
  settings.limits.totalBytes = 16 << 20;
  set(settings);
  try {
    const engine = await chooseEngine([device], settings, options, probe);
    try {
      await body(engine, log);
    } finally {
      await engine.close();
    }
  } finally {
    far.close();
    device.close();
    resetLogging();
  }
}

Deno.test("async is async, and nobody tries anything else", async () => {
  await choosing("async", never, async (engine, log) => {
    assertEquals([engine.name, log], ["async", []]);
    await engine.start();
    assertEquals((await engine.figures()).proxyUdp, "off");
    await engine.stop(0);
  });
});

Deno.test("auto where io_uring is refused is async, after one line that says why", async () => {
  await choosing("auto", forbidden, (engine, log) => {
    assertEquals(engine.name, "async");
    const lines = log.map((line) => line.replace(/^\S+ /, ""));
    assertEquals(lines, [`info    engine: The async engine serves: ${FORBIDDEN}\n`]);
  });
});

Deno.test("uring where it is refused is an error with a way out", async () => {
  const error = await assertRejects(() => choosing("uring", forbidden, () => {}), UserError);
  assertEquals(error.message, `The io_uring engine cannot run here: ${FORBIDDEN}`);
  assertEquals(error.hint, "Leave the choice to ztun: --engine auto");
});

for (const asked of ["auto", "uring"] as const) {
  uringTest(`${asked} where it is allowed is uring, without a word`, async () => {
    await choosing(asked, allowed, async (engine, log) => {
      assertEquals([engine.name, log], ["uring", []]);
      await engine.start();
      assertEquals((await engine.figures()).gauges.tcpFlows, 0);
      await engine.stop(0);
    });
  });
}

/** More than there are addresses for. */
const tooMuch = (settings: Settings) => settings.limits.totalBytes = 2 ** 47;

Deno.test("uring that passes the probe and cannot be made is refused all the same", async () => {
  const failing = () => choosing("uring", allowed, () => {}, tooMuch);
  const { message } = await assertRejects(failing, UserError);
  assertEquals(message, "The io_uring engine cannot run here: mmap failed: ENOMEM");
});

Deno.test("an error that is not the system's refusal is no reason to step down", async () => {
  const broken = (settings: Settings) => settings.proxy = undefined;
  const error = await assertRejects(
    () => choosing("auto", allowed, () => assert(false, "it was made"), broken),
    Error,
    "No proxy is given",
  );
  assert(!error.message.includes("cannot run here"));
});

const CAP_NET_ADMIN = 12;
const CAP_NET_RAW = 13;

rootTest("sockets that cannot have their mark are an error before anything is made", async () => {
  let chosen = Promise.resolve();
  // What is asked first is asked at once.
  withoutCapabilities([CAP_NET_ADMIN, CAP_NET_RAW], () => {
    chosen = choosing("auto", never, () => assert(false, "it was made"), () => {}, { mark: 1 });
  });
  const error = await assertRejects(() => chosen, UserError);
  assertEquals(error.message, "Cannot mark a socket: the capability CAP_NET_ADMIN is missing");
});

rootTest("the engine on this thread has its mark and its path", async () => {
  const options = { mark: 0x7a74, path: { addresses: [], online: false, local: [] } };
  await choosing(
    "async",
    never,
    async (engine) => {
      assert(engine instanceof LocalEngine);
      await engine.start();
      let told = 0;
      engine.onProxyUnreachable = () => told++;
      await engine.follow({ addresses: ["127.0.0.1"], online: true, local: undefined });
      assertEquals([await engine.newestFlow(), told], [undefined, 0]);
    },
    () => {},
    options,
  );
});
