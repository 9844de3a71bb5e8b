/** A tunnel as `up` and `exec` have it: what it says of itself, and its ends. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { libc } from "../../../ffi/libc.ts";
import type { TunDevice } from "../../../ffi/types.ts";
import { defaultSettings, type Settings } from "../../../src/config/settings.ts";
import { askToConfirm, askToStop, readStatuses } from "../../../src/control/client.ts";
import type { TunnelStatus } from "../../../src/control/status.ts";
import { UserError } from "../../../src/errors.ts";
import { Tunnel, type TunnelOptions } from "../../../src/tunnel/tunnel.ts";
import { version } from "../../../src/version.ts";
import { eventually } from "../../support/eventually.ts";
import { LocalHost } from "../../support/fake_local_host.ts";
import { connecting, FakeSocks5, type Script } from "../../support/fake_socks5.ts";
import { fakeTun, type FakeTunDevice } from "../../support/fake_tun.ts";
import { uringTest } from "../../support/needs_uring.ts";
import { ControlDirectory, sampleCapture } from "../control/fixtures.ts";

const F_GETFL = 3;
const FAR = "203.0.113.7";
const GRACE = 600_000;

interface World {
  readonly tunnel: Tunnel;
  readonly host: LocalHost;
  readonly device: FakeTunDevice;
  /** What `ztun status` would read. */
  status(): Promise<TunnelStatus | undefined>;
}

/** What the command says and does by way of its tunnel. */
type Told = Pick<TunnelOptions, "state" | "capture" | "stop" | "confirm">;

const echoing = connecting((client) => client.echo());

/** Runs `body` with a tunnel; afterwards it is closed, if it is not yet, and its socket is gone. */
async function withTunnel(
  script: Script,
  body: (world: World) => Promise<void>,
  told: Told = {},
): Promise<void> {
  await using directory = new ControlDirectory();
  const proxy = new FakeSocks5(script);
  proxy.start();
  const { device, far } = fakeTun(true);
  const host = new LocalHost(far);
  const tunnel = await start(directory.path, [device], proxy.port, "async", told);
  const sockets = `${directory.path}/ztun`;
  const status = async () => (await readStatuses(sockets))[0];
  try {
    await body({ tunnel, host, device, status });
  } finally {
    await tunnel.close();
    await proxy.stop();
    await host.close();
    far.close();
    device.close();
  }
  assertEquals([...Deno.readDirSync(sockets)], []);
  assertEquals(proxy.errors, []);
}

function start(
  directory: string,
  queues: readonly TunDevice[],
  port: number,
  engine: Settings["engine"] = "async",
  told: Told = {},
): Promise<Tunnel> {
  const settings = defaultSettings();
  settings.proxy = { host: "127.0.0.1", port, user: "alice", password: "hunter2" };
  settings.udp = "off";
  settings.limits.totalBytes = 64 << 20;
  settings.timeouts.grace = GRACE;
  settings.tun.mtu = 1_400;
  settings.engine = engine;
  const environment = { uid: () => 1000, env: () => directory };
  return Tunnel.start({ settings, queues, command: "up", environment, ...told });
}

/** Without the greeting of `FakeClient`: a password is asked for. */
const signingIn: Script = async (client) => {
  await client.greeting();
  await client.write(5, 2);
  const [, length] = await client.read(2);
  await client.read(length! + 1 + "hunter2".length);
  await client.write(1, 0);
  await client.request();
  await client.reply(0);
  await client.echo();
};

Deno.test("status tells the frame of the tunnel, and never a password", async () => {
  await withTunnel(signingIn, async ({ status, device }) => {
    const { gauges, counters: _, dns, ...frame } = (await status())!;
    assertEquals({ ...frame, uptimeSeconds: 0, proxy: "" }, {
      schemaVersion: 1,
      pid: Deno.pid,
      version,
      command: "up",
      state: "ready",
      engine: "async",
      workers: 1,
      uptimeSeconds: 0,
      graceSeconds: GRACE / 1_000,
      proxy: "",
      proxyUdp: "off",
      proxyPipelining: "unknown",
      device: { name: device.name, mtu: 1_400, offload: true },
    });
    assert(/^127\.0\.0\.1:\d+$/.test(frame.proxy));
    assert(Number.isInteger(frame.uptimeSeconds) && frame.uptimeSeconds >= 0);
    assertEquals(new Set(Object.values(gauges)), new Set([0]));
    const { latency, ...counts } = dns;
    assertEquals(new Set(Object.values(counts)), new Set([0]));
    assert(Object.values(latency).every((figure) => Number.isFinite(figure)));
    const text = JSON.stringify(await status());
    assert(!text.includes("hunter2") && !text.includes("alice"));
  });
});

Deno.test("status counts what goes on, and what has gone", async () => {
  await withTunnel(signingIn, async ({ status, host }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    flow.send("hello");
    await flow.arrived(5);
    const during = (await status())!;
    assertEquals([during.gauges.tcpFlows, during.gauges.tcpRelays], [1, 1]);
    assertEquals([during.counters.tcpOpened, during.counters.proxyConnects], [1, 1]);
    assertEquals([during.counters.proxyBytesUp, during.counters.proxyBytesDown], [5, 5]);
    flow.abort();
    await eventually("no flow", async () => (await status())!.gauges.tcpFlows === 0 || undefined);
    const after = (await status())!;
    assertEquals(after.gauges.bytesBuffered, 0);
    assert(after.counters.packetsReceived > 2 && after.counters.packetsSent >= 2);
  });
});

Deno.test("status tells what the command says of itself, until the tunnel ends", async () => {
  const capture = sampleCapture({ network: "offline" });
  const told: Told = { state: () => "offline", capture: () => capture };
  await withTunnel(signingIn, async ({ tunnel, host, status }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    const during = (await status())!;
    assertEquals([during.state, during.capture], ["offline", capture]);
    const stopped = tunnel.stop();
    assertEquals((await status())!.state, "stopping");
    await tunnel.close();
    await stopped;
  }, told);
});

Deno.test("who asks over the socket for the end, or to stay, reaches the command", async () => {
  await using directory = new ControlDirectory();
  const proxy = new FakeSocks5(signingIn);
  proxy.start();
  const { device, far } = fakeTun(true);
  const asked: string[] = [];
  const tunnel = await start(directory.path, [device], proxy.port, "async", {
    stop: () => void asked.push("stop"),
    confirm: () => void asked.push("confirm"),
  });
  const sockets = `${directory.path}/ztun`;
  assertEquals(await askToConfirm(sockets, Deno.pid), true);
  assertEquals(await askToStop(sockets, Deno.pid), true);
  await eventually("both", () => asked.length === 2 || undefined);
  assertEquals(asked, ["confirm", "stop"]);
  await tunnel.close();
  await proxy.stop();
  device.close();
  far.close();
});

Deno.test("stop ends flows in order and leaves no socket", async () => {
  await withTunnel(signingIn, async ({ tunnel, host, status }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    const stopped = tunnel.stop();
    await flow.ended();
    flow.finish();
    assertEquals(await flow.over(), "closed");
    await stopped;
    assertEquals(await status(), undefined);
  });
});

Deno.test("close while stop is waiting ends both at once, with resets", async () => {
  await withTunnel(signingIn, async ({ tunnel, host, status }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    // It never ends its own direction: the grace time would be spent on it.
    const stopped = tunnel.stop();
    await flow.ended();
    assertEquals((await status())!.gauges.tcpFlows, 1);
    await Promise.all([tunnel.close(), stopped]);
    assertEquals(await flow.over(), "reset");
    assertEquals(await status(), undefined);
  });
});

Deno.test("closing again is closing", async () => {
  await withTunnel(echoing, async ({ tunnel }) => {
    await Promise.all([tunnel.close(), tunnel.close()]);
    await tunnel.stop();
  });
});

Deno.test("a device that fails is told with its reason, and the tunnel can be closed", async () => {
  await withTunnel(signingIn, async ({ tunnel, host, device, status }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    device.fail();
    flow.send("nobody reads this");
    assertEquals(await tunnel.failed, "The TUN device failed: EBADF");
    await tunnel.close();
    assertEquals(await status(), undefined);
  });
});

for (const engine of ["async", "auto"] as const) {
  Deno.test(`two queues, ${engine}: an engine for each, one status, one end`, async () => {
    await withQueues(engine, async ({ tunnel, hosts, status }) => {
      const flows = hosts.map((host) => host.connect(FAR, 80));
      for (const flow of flows) {
        assertEquals(await flow.opened(), "open");
        flow.send("hello");
        await flow.arrived(5);
      }
      const during = (await status())!;
      assertEquals([during.workers, during.gauges.tcpFlows], [2, 2]);
      assertEquals([during.counters.tcpOpened, during.counters.proxyBytesDown], [2, 10]);
      const stopped = tunnel.stop();
      for (const flow of flows) {
        await flow.ended();
        flow.finish();
        assertEquals(await flow.over(), "closed");
      }
      await stopped;
      assertEquals(await status(), undefined);
    });
  });
}

uringTest("two queues: when one fails, the tunnel has failed", async () => {
  await withQueues("uring", async ({ tunnel, hosts, devices }) => {
    const flow = hosts[0]!.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    devices[1]!.fail();
    assertEquals(await tunnel.failed, "The TUN device failed: ENODEV");
    await tunnel.close();
    assertEquals(await flow.over(), "reset");
  });
});

interface Queues extends Pick<World, "tunnel" | "status"> {
  readonly hosts: readonly LocalHost[];
  readonly devices: readonly FakeTunDevice[];
}

/** A tunnel on two devices that stand for the queues of one, each with a local host behind it. */
async function withQueues(
  engine: Settings["engine"],
  body: (queues: Queues) => Promise<void>,
): Promise<void> {
  await using directory = new ControlDirectory();
  const proxy = new FakeSocks5(signingIn);
  proxy.start();
  const tuns = [fakeTun(true), fakeTun(true)];
  const devices = tuns.map(({ device }) => device);
  const hosts = tuns.map(({ far }) => new LocalHost(far));
  const tunnel = await start(directory.path, devices, proxy.port, engine);
  const status = async () => (await readStatuses(`${directory.path}/ztun`))[0];
  try {
    await body({ tunnel, hosts, devices, status });
  } finally {
    await tunnel.close();
    await proxy.stop();
    for (const host of hosts) await host.close();
    for (const { device, far } of tuns) {
      device.close();
      far.close();
    }
  }
  assertEquals(proxy.errors, []);
}

Deno.test("an engine that cannot be made leaves none of the others", async () => {
  await using directory = new ControlDirectory();
  const { device, far } = fakeTun(true);
  const missing = { ...device, fd: -1 };
  for (const devices of [[device, missing], [missing, device]]) {
    await assertRejects(() => start(directory.path, devices, 9), Error, "EBADF");
  }
  assert(libc().fcntl(device.fd, F_GETFL, 0) >= 0);
  device.close();
  far.close();
});

Deno.test("where the control socket cannot be, no tunnel starts, and the device stays the caller's", async () => {
  await using directory = new ControlDirectory();
  await Deno.mkdir(`${directory.path}/ztun`, { mode: 0o700 });
  await Deno.chmod(`${directory.path}/ztun`, 0o777);
  const { device, far } = fakeTun(true);
  await assertRejects(() => start(directory.path, [device], 9), UserError, "others can get at it");
  assertEquals([...Deno.readDirSync(`${directory.path}/ztun`)], []);
  assert(libc().fcntl(device.fd, F_GETFL, 0) >= 0);
  device.close();
  far.close();
});
