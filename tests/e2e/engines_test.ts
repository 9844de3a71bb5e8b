/** Which engine serves, what takes its place where it may not, and how one ends on a thread of its own. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Errno } from "../../ffi/libc.ts";
import { probeUring } from "../../ffi/uring_probe_linux.ts";
import { startNginx } from "../support/destinations.ts";
import { type Case, e2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { PROXY, PROXY_PORT, WEB } from "../support/lab.ts";
import { OrdinaryUser, setTunMode } from "../support/ordinary_user.ts";
import { DEVICE, Tunnel } from "../support/paths.ts";
import { ztunSocks } from "../support/proxies.ts";
import { transferBothWays } from "../support/transfer.ts";
import { denoRun, ztun } from "../support/ztun.ts";

const MIB = 2 ** 20;
const SETUP = 425;
const REGISTER = 427;
const NAME = "ztun socks";
const SOCKS = ["--socks", `${PROXY}:${PROXY_PORT}`];
const STEP_DOWN = "The async engine serves";

const UNDER_SECCOMP = new URL("../support/under_seccomp.ts", import.meta.url).pathname;

/** A container that forbids io_uring. */
function forbidding(first = SETUP, code: number = Errno.EPERM): string[] {
  return denoRun(UNDER_SECCOMP, ...[first, REGISTER, code].map(String));
}

/** So much locked memory, and not the privilege that makes the limit none. */
function lockedMemory(bytes: number): string[] {
  return [
    ...["prlimit", `--memlock=${bytes}:${bytes}`],
    ...["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"],
  ];
}

/** Where io_uring is missing these say nothing: there is no step to take. */
function uringE2e(name: string, body: (it: Case) => Promise<void>): void {
  if (probeUring() === undefined) e2e(name, NAME, body);
}

/** Lines of the log that are not what `up` says to its user. */
function linesWith(text: string, log: string): string[] {
  return log.split("\n").filter((line) => line.includes(text));
}

async function carries(it: Case, tunnel: Tunnel, engine: string): Promise<void> {
  await startNginx(it.lab);
  assertEquals((await tunnel.status()).engine, engine);
  for (const family of [4, 6] as const) await transferBothWays(it.lab, 4 * MIB, family);
  await tunnel.assertNothingLeft();
  await tunnel.down();
}

for (
  const [code, reason] of [
    [Errno.EPERM, "io_uring_setup is forbidden: EPERM"],
    [Errno.ENOSYS, "the system has no io_uring_setup: ENOSYS"],
  ] as const
) {
  uringE2e(`a sandbox answers io_uring_setup with ${code}: the async engine`, async (it) => {
    await ztunSocks.start(it.lab);
    const flags = ["--engine", "auto"];
    const tunnel = await Tunnel.up(it.lab, ztunSocks, { flags, launcher: forbidding(SETUP, code) });
    await carries(it, tunnel, "async");
    const [line, ...more] = linesWith("engine", tunnel.process.log);
    assertStringIncludes(line!, `info    engine: ${STEP_DOWN}: ${reason}`);
    // The other line of the engine's is what it found out about the proxy.
    assertEquals(more.filter((each) => !each.includes("The proxy relays UDP")), []);
    assertEquals(linesWith("warning", tunnel.process.log), []);
  });
}

uringE2e(
  "a sandbox that forbids io_uring, and --engine uring: exit code 1 and a hint",
  async (it) => {
    const { code, stderr } = await it.lab.client.run([
      ...forbidding(),
      ...ztun("up", ...SOCKS, "--tun", DEVICE, "--engine", "uring"),
    ]);
    assertEquals(code, 1);
    assertEquals(stderr.split("\n").filter((line) => line !== ""), [
      "error: The io_uring engine cannot run here: io_uring_setup is forbidden: EPERM",
      "hint: Leave the choice to ztun: --engine auto",
    ]);
    const links = await it.lab.client.must(["ip", "-o", "link"]);
    assertEquals(links.includes(DEVICE), false);
  },
);

uringE2e("exec in a sandbox that forbids io_uring", async (it) => {
  await ztunSocks.start(it.lab);
  await startNginx(it.lab);
  const command = ["curl", "-sS", "-m", "20", `http://${WEB}/small`];
  const exec = ztun("exec", ...SOCKS, "--engine", "auto", "--", ...command);
  const { code, stdout, stderr } = await it.lab.client.run([...forbidding(), ...exec]);
  assertEquals([code, stdout], [0, "small\n"], stderr);
  assertEquals(linesWith(STEP_DOWN, stderr).length, 1, stderr);
});

// The probe's queues fit into some of these, the engine's do not, or its buffers do not.
for (const kib of [0, 16, 256, 264, 272, 288]) {
  uringE2e(`${kib} KiB of locked memory: an engine serves`, async (it) => {
    await ztunSocks.start(it.lab);
    const flags = ["--engine", "auto"];
    const launcher = lockedMemory(kib * 1024);
    const tunnel = await Tunnel.up(it.lab, ztunSocks, { flags, launcher });
    const { engine } = await tunnel.status();
    it.note(engine);
    const lines = linesWith(STEP_DOWN, tunnel.process.log);
    assertEquals(lines.length, engine === "async" ? 1 : 0, tunnel.process.log);
    const rings = tunnel.process.descriptors().filter((name) => name.includes("io_uring"));
    assertEquals(rings.length, engine === "async" ? 0 : 1);
    if (kib === 0) assertEquals(engine, "async");
    await carries(it, tunnel, engine);
  });
}

uringE2e("too little locked memory for an ordinary user's exec", async (it) => {
  await ztunSocks.start(it.lab);
  await startNginx(it.lab);
  await setTunMode(it.lab, 0o666);
  const user = await OrdinaryUser.prepare(it.lab);
  const curl = ["curl", "-sS", "-m", "20", `http://${WEB}/small`];
  const flags = [...SOCKS, "--engine", "auto", "--", ...curl];
  const command = ["prlimit", "--memlock=65536:65536", ...user.ztun("exec", ...flags)];
  const { code, stdout, stderr } = await it.lab.client.run(command);
  assertEquals([code, stdout], [0, "small\n"], stderr);
  assertMatch(linesWith(STEP_DOWN, stderr).join("\n"), /^\S+ info +engine: .*ENOMEM$/);
});

async function deviceDeleted({ lab }: Case, engine: string): Promise<void> {
  await ztunSocks.start(lab);
  await startNginx(lab);
  const before = await lab.client.picture();
  const tunnel = await Tunnel.up(lab, ztunSocks, { flags: ["--engine", engine] });
  const script = `exec 3<>/dev/tcp/${WEB}/80; echo open; exec sleep 600`;
  const holder = lab.start("holder", lab.client, ["bash", "-c", script]);
  await holder.logged(/open/);
  await lab.client.ip(`link del ${DEVICE}`);
  assertEquals((await tunnel.process.ended).code, 1);
  assertMatch(tunnel.process.log, /^error: The TUN device failed: E[A-Z]+$/m);
  assertEquals(await lab.client.picture(), before);
}

const DELETED = "the device is deleted: exit code 1, the reason, nothing left";
uringE2e(`${DELETED} (uring)`, (it) => deviceDeleted(it, "uring"));
e2e(`${DELETED} (async)`, NAME, (it) => deviceDeleted(it, "async"));

uringE2e("a proxy that /etc/hosts knows", async (it) => {
  const { lab } = it;
  const hosts = `${lab.directory}/hosts`;
  await Deno.writeTextFile(hosts, `127.0.0.1 localhost\n${PROXY} proxy.lab\n`);
  await ztunSocks.start(lab);
  // `ip netns exec` has made a mount namespace already.
  const launcher = ["sh", "-c", `mount --bind ${hosts} /etc/hosts && exec "$@"`, "sh"];
  const proxy = { ...ztunSocks, flags: () => ["--socks", `proxy.lab:${PROXY_PORT}`] };
  const tunnel = await Tunnel.up(lab, proxy, { flags: ["--engine", "uring"], launcher });
  await carries(it, tunnel, "uring");
});

uringE2e(
  "lines of the engine's thread have the level and the format that were asked for",
  async (it) => {
    const { lab } = it;
    const proxy = await ztunSocks.start(lab);
    const flags = ["--engine", "uring", "--log-format", "json"];
    const tunnel = await Tunnel.up(lab, ztunSocks, { flags });
    await proxy.stop();
    const gone = ["curl", "-sS", "-m", "20", `http://${WEB}/small`];
    assertEquals((await lab.client.run(gone)).code === 0, false);
    await eventually("the tunnel to say so", () => {
      return tunnel.process.log.includes("cannot connect") || undefined;
    });
    const records = linesWith("{", tunnel.process.log).map((line) => JSON.parse(line));
    assertEquals(records.map(({ area }) => area), records.map(() => "engine"));
    assertStringIncludes(records[0].message, "The proxy relays UDP");
    const times = records.map(({ time }) => time);
    assertEquals(times, times.toSorted());
    await tunnel.down();
  },
);

uringE2e("status while the thread sleeps in the kernel, from many at once", async (it) => {
  await ztunSocks.start(it.lab);
  const tunnel = await Tunnel.up(it.lab, ztunSocks, { flags: ["--engine", "uring"] });
  const all = await Promise.all(Array.from({ length: 4 }, () => tunnel.status()));
  assertEquals(all.map(({ engine }) => engine), Array(4).fill("uring"));
  await tunnel.down();
});
