import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { command } from "../../../../src/cli/commands/status.ts";
import { run as statusRun } from "../../../../src/cli/commands/status_run.ts";
import { run } from "../../../../src/cli/run.ts";
import { ControlServer } from "../../../../src/control/server.ts";
import type { CaptureStatus, TunnelStatus } from "../../../../src/control/status.ts";
import { Counters } from "../../../../src/counters.ts";
import { Exit } from "../../../../src/errors.ts";
import { ControlDirectory, sampleCapture, sampleStatus } from "../../control/fixtures.ts";
import { CommandRig } from "../../../support/command_rig.ts";
import { FakeEnvironment } from "../fake_environment.ts";

/** Runs `ztun status` beside a tunnel that says `status`; beside none without one. */
async function ztunStatus(args: readonly string[], status?: TunnelStatus) {
  await using directory = new ControlDirectory();
  const path = `${directory.path}/ztun`;
  const server = status === undefined
    ? undefined
    : await ControlServer.listen(path, { status: () => status });
  const environment = new FakeEnvironment({ variables: { XDG_RUNTIME_DIR: directory.path } });
  const code = await run(["status", ...args], environment);
  await server?.close();
  return { code, out: environment.stdout, err: environment.stderr };
}

Deno.test("status says in few lines what a tunnel is doing", async () => {
  const counters = Object.assign(new Counters(), {
    tcpOpened: 12,
    tcpRefused: 2,
    udpRefused: 5,
    proxyBytesUp: 1_234,
    proxyBytesDown: 567_890,
    dropMalformed: 7,
    dropLinkFull: 1,
  });
  const { code, out, err } = await ztunStatus([], sampleStatus({ counters }));
  assertEquals([code, err], [Exit.Ok, ""]);
  assertEquals(out.split("\n"), [
    "ztun0: ztun up, pid 4711, up 1h 2m 5s, ready",
    "  proxy    127.0.0.1:1080, UDP: relays, pipelining: yes",
    "  device   MTU 1500, offload on, engine async, 1 worker",
    "  tcp      3 flows (1 half-open), 12 opened, 2 refused",
    "  udp      2 ports, 1 associations, 5 refused",
    "  dns      10 queries, 9 answers, 1 timeouts, p50 4.3 ms, p99 20.0 ms",
    "  bytes    1234 up, 567890 down, 69632 buffered",
    "  dropped  Malformed 7, LinkFull 1",
    "",
  ]);
});

Deno.test("status of a tunnel that has dropped nothing, and has no offload", async () => {
  const device = { name: "work0", mtu: 1_400, offload: false };
  const { out } = await ztunStatus([], sampleStatus({ device, command: "exec", proxyUdp: "no" }));
  assertMatch(out, /^work0: ztun exec, /);
  assertStringIncludes(out, "MTU 1400, offload off");
  assertStringIncludes(out, "UDP: no");
  assertStringIncludes((await ztunStatus([], sampleStatus({ workers: 2 }))).out, "2 workers\n");
  assertMatch(out, /dropped {2}nothing\n$/);
});

for (
  const [seconds, text] of [
    [0, "0s"],
    [59, "59s"],
    [60, "1m 0s"],
    [3_599, "59m 59s"],
    [3_600, "1h 0m 0s"],
    [90_061, "25h 1m 1s"],
  ] as const
) {
  Deno.test(`status: ${seconds} seconds are ${text}`, async () => {
    const { out } = await ztunStatus([], sampleStatus({ uptimeSeconds: seconds }));
    assertEquals(out.split("\n")[0], `ztun0: ztun up, pid 4711, up ${text}, ready`);
  });
}

Deno.test("status says what is captured, what stays outside, and what was kept in", async () => {
  const capture = sampleCapture({
    include: ["10.0.0.0/8", "2001:db8::/32"],
    bypass: ["10.9.0.0/16"],
    outside: ["microsocks (process 99): the proxy runs on this host", "the LAN: 192.0.2.0/24"],
    strict: true,
    refused: { refused_ipv4: 3, refused_ipv6: 0, refused_dns: 1 },
    changes: 2,
    rewritten: 1,
    network: "offline",
  });
  const { out } = await ztunStatus([], sampleStatus({ state: "offline", capture }));
  assertEquals(out.split("\n").filter((_, line) => line === 0 || (line >= 3 && line <= 8)), [
    "ztun0: ztun up, pid 4711, up 1h 2m 5s, offline",
    "  capture  10.0.0.0/8, 2001:db8::/32 but 10.9.0.0/16; table 51820, mark 0x7a74",
    "  outside  microsocks (process 99): the proxy runs on this host",
    "  outside  the LAN: 192.0.2.0/24",
    "  network  offline, changed 2 times",
    "  resolver systemd-resolved, rewritten by others once",
    "  strict   on, kept in ipv4 3, dns 1",
  ]);
});

Deno.test("status of a tunnel that captures everything, without a kill switch or with an idle one", async () => {
  const shown = async (capture: CaptureStatus) => {
    return (await ztunStatus([], sampleStatus({ capture }))).out;
  };
  const out = await shown(sampleCapture({ resolver: "off" }));
  assertStringIncludes(out, "  capture  everything; table 51820");
  assertStringIncludes(out, "  resolver off, rewritten by others 0 times\n  strict   off\n");
  const strict = sampleCapture({ strict: true, refused: { refused_late: 0 } });
  assertStringIncludes(await shown(strict), "  strict   on, kept in nothing\n");
});

/** Runs `ztun status` on a host on which these tunnels have died, with so many changes. */
async function afterDeath(
  died: Record<number, number>,
  { tables, status, args = [] }: { tables?: string[]; status?: TunnelStatus; args?: string[] },
) {
  await using rig = new CommandRig();
  for (const [pid, changes] of Object.entries(died)) {
    const left = Array.from({ length: changes }, () => ({ kind: "teleport" }));
    await rig.host.orphan(left, Number(pid));
  }
  if (status !== undefined) rig.tunnel(status);
  return await rig.run(command, args, (input) => statusRun(input, rig.host.recoveryHost(tables)));
}

Deno.test("status without a tunnel says which ones have died, and what helps", async () => {
  const { code, out, err } = await afterDeath({ 99: 1, 100: 7 }, {
    tables: ["ztun_strict_ztun100"],
  });
  assertEquals([code, out], [Exit.NotRunning, ""]);
  assertEquals(err.split("\n"), [
    "error: No tunnel is running",
    "    The tunnel of process 100 (ztun100) died and left 7 changes to this host; its kill switch is still in force",
    "    The tunnel of process 99 (ztun99) died and left 1 change to this host",
    "",
    "hint: ztun cleanup",
    "",
  ]);
});

Deno.test("status of a tunnel beside a dead one warns of that", async () => {
  const { code, out, err } = await afterDeath({ 99: 2 }, {
    status: sampleStatus(),
    args: ["--json"],
  });
  assertEquals([code, JSON.parse(out).pid], [Exit.Ok, 4711]);
  assertEquals(
    err,
    "warning: The tunnel of process 99 (ztun99) died and left 2 changes to this host: `ztun cleanup`\n",
  );
});

Deno.test("status --json is the whole of it, one object per line", async () => {
  const status = sampleStatus();
  const { code, out } = await ztunStatus(["--json"], status);
  assertEquals(code, Exit.Ok);
  assertEquals(out.split("\n").length, 2);
  const read = JSON.parse(out);
  assertEquals(read, JSON.parse(JSON.stringify(status)));
  assertEquals(read.schemaVersion, 1);
  assertEquals(Object.keys(read.counters), Object.keys(new Counters()));
});

Deno.test("status without a tunnel exits 3, and says how to start one", async () => {
  const { code, out, err } = await ztunStatus([]);
  assertEquals([code, out], [Exit.NotRunning, ""]);
  assertMatch(err, /^error: No tunnel is running\n\nhint: sudo ztun up --socks /);
  assertEquals((await ztunStatus(["--json"])).code, Exit.NotRunning);
});

Deno.test("status --pid asks one tunnel", async () => {
  const status = sampleStatus();
  assertEquals((await ztunStatus([`--pid=${Deno.pid}`], status)).code, Exit.Ok);
  assertEquals((await ztunStatus([`--pid=${Deno.pid + 1}`], status)).code, Exit.NotRunning);
});

for (const pid of ["0", "-1", "abc", "1.5", "0x10", " 1"]) {
  Deno.test(`status: ${JSON.stringify(pid)} is no process id`, async () => {
    const { code, out, err } = await ztunStatus([`--pid=${pid}`], sampleStatus());
    assertEquals([code, out], [Exit.Usage, ""]);
    assertStringIncludes(err, `"${pid}" is no process id`);
  });
}

Deno.test("status takes nothing else", async () => {
  assertEquals((await ztunStatus(["ztun0"], sampleStatus())).code, Exit.Usage);
  assertEquals((await ztunStatus(["--mtu=9000"], sampleStatus())).code, Exit.Usage);
});
