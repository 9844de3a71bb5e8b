/** Several workers: no flow ever meets another one's, and the far end sees what it would see with one. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Errno } from "../../ffi/libc.ts";
import { startNginx, webRoot } from "../support/destinations.ts";
import { e2e, e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { PROXY, PROXY_PORT, WEB, WEB6 } from "../support/lab.ts";
import { DEVICE, Tunnel } from "../support/paths.ts";
import { ztunSocks } from "../support/proxies.ts";
import type { Namespace } from "../support/stage.ts";
import { hashOf, makeFile } from "../support/transfer.ts";
import { denoRun, program, ztun } from "../support/ztun.ts";

const FLOWS = 120;
const SIZE = 300_000;
const ECHO_PORT = 7007;
const SYS_BPF = Deno.build.arch === "x86_64" ? 321 : 280;
const IO_URING_SETUP = 425;
const NAME = "ztun socks";
const UNDER_SECCOMP = new URL("../support/under_seccomp.ts", import.meta.url).pathname;

/** A container that forbids a system call. */
function forbidding(call: number): string[] {
  return denoRun(UNDER_SECCOMP, ...[call, call, Errno.EPERM].map(String));
}

const CURL = [
  ...["curl", "-sS", "--fail", "--parallel", "--parallel-immediate"],
  ...["--parallel-max", String(FLOWS), "--speed-limit", "1", "--speed-time", "30"],
];

for (const workers of [2, 5]) {
  for (const engine of ["auto", "async"]) {
    e2eThrough(
      `${FLOWS} flows each way, ${workers} workers, engine ${engine}`,
      ztunSocks,
      manyFlows,
      {
        flags: ["--workers", String(workers), "--engine", engine],
      },
    );
  }
}

async function manyFlows({ lab, tunnel, note }: TunnelCase): Promise<void> {
  await startNginx(lab);
  const file = `${webRoot(lab)}/file`;
  await makeFile(file, SIZE);
  const hash = await hashOf(file);
  const target = `${lab.directory}/got`;
  await Deno.mkdir(target);
  for (const [name, host] of [["4", WEB], ["6", `[${WEB6}]`]] as const) {
    const range = `[1-${FLOWS}]`;
    await lab.client.must([...CURL, "-o", `${target}/${name}-#1`, `http://${host}/file?${range}`]);
    // One name for each: `-T` does not count.
    const sources = Array.from({ length: FLOWS }, (_, at) => `${target}/${name}-${at + 1}`);
    await lab.client.must([...CURL, "-T", `{${sources.join(",")}}`, `http://${host}/up/`]);
  }
  for (const folder of [target, `${webRoot(lab)}/up`]) {
    const hashes = await Promise.all(
      [...Deno.readDirSync(folder)].map(({ name }) => hashOf(`${folder}/${name}`)),
    );
    assertEquals(hashes, Array(2 * FLOWS).fill(hash));
  }
  if (tunnel === undefined) return;
  const status = await tunnel.status();
  const { tcpOpened, tcpNoFlow, tcpRetransmissions, tcpResetByUs, tcpResetByPeer } =
    status.counters;
  note(`${status.engine}, ${tcpOpened} connections`);
  // A flow that another worker sees too is reset. Only what was sent twice may be answered twice.
  assert(tcpNoFlow <= tcpRetransmissions, `${tcpNoFlow} stray segments`);
  assertEquals([tcpResetByUs, tcpResetByPeer], [0, 0]);
  await everyQueueCarried(lab.client, status.workers);
}

/** The kernel counts for each queue what it has put there; unused queues stand in the list as well. */
async function everyQueueCarried(client: Namespace, workers: number): Promise<void> {
  const shown = await client.must(["tc", "-s", "class", "show", "dev", DEVICE]);
  const carried = [...shown.matchAll(/^class mq .*\n Sent \d+ bytes (\d+) pkt/gm)]
    .filter(([, packets]) => Number(packets) > 0);
  assertEquals(carried.length, workers, shown);
}

e2eThrough(
  "a UDP socket is one socket to all that it talks to, 3 workers",
  ztunSocks,
  async (it) => {
    const ports = [7_100, 7_101, 7_102, 7_103].map(String);
    for (const address of [WEB, WEB6]) {
      const mirror = it.lab.start(
        "mirror",
        it.lab.server,
        program("udp_mirror.ts", address, ...ports),
      );
      await mirror.logged(/ready/);
      const asked = program("udp_identity.ts", address, "12", ...ports);
      const seen = (await it.lab.client.must(asked)).trim().split("\n");
      assertEquals(seen.map((line) => line.split(" ").length), Array(12).fill(1), seen.join("\n"));
    }
  },
  { flags: ["--workers", "3"] },
);

e2eThrough("UDP echo of every 1009th size, 3 workers, offload off", ztunSocks, async ({ lab }) => {
  const echo = program("udp_echo.ts", String(ECHO_PORT), WEB, WEB6);
  await lab.start("udp echo", lab.server, echo).logged(/ready/);
  for (const address of [WEB, WEB6]) {
    const numbers = [ECHO_PORT, 0, 65_000, 1_009, 65_400].map(String);
    const shown = await lab.client.must(program("udp_sizes.ts", address, ...numbers));
    assertEquals(shown, "65 echoed, 0 refused\n");
  }
}, { flags: ["--workers", "3", "--offload", "off"] });

e2eThrough("what the workers find out is said once", ztunSocks, ({ tunnel }) => {
  const lines = tunnel?.process.log.match(/The proxy relays UDP/g);
  if (tunnel !== undefined) assertEquals(lines?.length, 1, tunnel.process.log);
  return Promise.resolve();
}, { flags: ["--workers", "4"] });

e2e(
  "a sandbox that forbids io_uring: as many workers of the other engine, said once",
  NAME,
  async (it) => {
    await ztunSocks.start(it.lab);
    const launcher = forbidding(IO_URING_SETUP);
    const flags = ["--workers", "3", "--engine", "auto"];
    const tunnel = await Tunnel.up(it.lab, ztunSocks, { flags, launcher });
    const { engine, workers } = await tunnel.status();
    assertEquals([engine, workers], ["async", 3]);
    assertEquals(tunnel.process.log.match(/The async engine serves/g)?.length, 1);
    await tunnel.down();
  },
);

e2e(
  "where the kernel takes no programs: exit code 1, and one worker as the hint",
  "none",
  async ({ lab }) => {
    const before = await lab.client.picture();
    const socks = ["--socks", `${PROXY}:${PROXY_PORT}`];
    const { code, stderr } = await lab.client.run([
      ...forbidding(SYS_BPF),
      ...ztun("up", ...socks, "--tun", DEVICE, "--workers", "2"),
    ]);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "error: Cannot spread flows over 2 queues");
    assertStringIncludes(stderr, "--workers 1");
    assertEquals(await lab.client.picture(), before);
  },
);
