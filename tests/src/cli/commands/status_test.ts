import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../../../src/cli/run.ts";
import { ControlServer } from "../../../../src/control/server.ts";
import type { TunnelStatus } from "../../../../src/control/status.ts";
import { Counters } from "../../../../src/counters.ts";
import { Exit } from "../../../../src/errors.ts";
import { ControlDirectory, sampleStatus } from "../../control/fixtures.ts";
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
    "ztun0: ztun up, pid 4711, up 1h 2m 5s",
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
    assertEquals(out.split("\n")[0], `ztun0: ztun up, pid 4711, up ${text}`);
  });
}

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
