/** `ztun demo`, whole, as root and as an ordinary user. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { CheckResult } from "../../src/demo/result.ts";
import { TRANSFER } from "../../src/demo/stream_checks.ts";
import { demoLabCommand } from "../support/demo_lab.ts";
import type { ExecLabOptions } from "../support/exec_lab.ts";
import { type Finished, run, Running } from "../support/process.ts";
import { rootTest } from "../support/root.ts";

const CHECKS = 28;

async function withDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir();
  await Deno.chmod(directory, 0o755);
  try {
    return await body(directory);
  } finally {
    await Deno.remove(directory);
  }
}

function demo(options: ExecLabOptions, ...args: string[]): Promise<Finished> {
  return withDirectory(async (directory) =>
    await run(await demoLabCommand(directory, args, options))
  );
}

for (const user of ["root", "ordinary"] as const) {
  rootTest(`demo as ${user}: every line holds, and there are all of them`, async () => {
    const { code, stdout, stderr } = await demo({ user }, "--json");
    assertEquals([code, stderr], [0, ""], stdout);
    const { schemaVersion, ok, checks } = JSON.parse(stdout);
    assertEquals([schemaVersion, ok], [1, true]);
    const failed = (checks as CheckResult[]).filter(({ result }) => result !== "ok");
    assertEquals(failed, []);
    assertEquals(checks.length, CHECKS);
    const speeds = (checks as CheckResult[]).filter((check) => check.bitsPerSecond !== undefined);
    for (const { bitsPerSecond, milliseconds } of speeds) {
      // The transfer takes most of its check's time, and no more than all of it.
      assert(bitsPerSecond! >= TRANSFER * 8 / (milliseconds / 1000) * 0.99, stdout);
    }
    assertEquals(speeds.length, 4);
  });
}

rootTest("demo: settings of the user's own do not reach its parts", async () => {
  const prepare = "export ZTUN_PROXY=socks5://a:b@192.0.2.9:1 ZTUN_MTU=1280 ZTUN_UDP=off";
  const { code, stdout, stderr } = await demo({ user: "ordinary", prepare });
  assertEquals([code, stderr], [0, ""], stdout);
  assertMatch(stdout, /^CHECK +RESULT +TIME +SEEN\n/);
  assertMatch(stdout, /\nHTTP, IPv6 +ok +[\d.]+ ms {2}200 OK and \d+ bytes from 2001:db8::80\n/);
  assertMatch(stdout, /\n\nupload, IPv4 +[\d.]+ Gbit\/s\n(.+\n){3}$/);
});

rootTest("demo: without an IPv6 loopback it says so, and tells the truth", async () => {
  const script = 'ip link set lo up; sysctl -qw net.ipv6.conf.lo.disable_ipv6=1; exec "$@"';
  const under = ["unshare", "--net", "sh", "-c", script, "sh"];
  const { code, stdout, stderr } = await demo({ user: "root", under }, "--json");
  assertEquals([code, stderr], [0, ""], stdout);
  const seen = (JSON.parse(stdout).checks as CheckResult[])
    .filter(({ seen }) => seen.endsWith("(no ::1 here: IPv4 beyond the proxy)"))
    .map(({ name }) => name);
  assert(seen.includes("HTTP, IPv6") && seen.includes("UDP echo, IPv6"), seen.join());
  assert(!seen.some((name) => name.endsWith("IPv4")), seen.join());
});

rootTest("demo: a line that does not hold is marked, and is the exit code", async () => {
  const script = `ip link set lo up
    nft 'table inet lab { chain out { type filter hook output priority 0; }; }'
    nft 'add rule inet lab out udp length > 4000 drop'
    exec "$@"`;
  const under = ["unshare", "--net", "sh", "-c", script, "sh"];
  const { code, stdout, stderr } = await demo({ user: "root", under });
  assertEquals(code, 1, stdout + stderr);
  for (const family of ["IPv4", "IPv6"]) {
    const line = new RegExp(`\nUDP echo, ${family} +fail .* a datagram of 8192 bytes did not come`);
    assertMatch(stdout, line);
  }
  assertEquals(stdout.match(/ ok /g)?.length, CHECKS - 2);
  const names = "UDP echo, IPv4; UDP echo, IPv6";
  assertStringIncludes(stderr, `error: 2 of ${CHECKS} checks failed: ${names}\n`);
  assertStringIncludes(stderr, "hint: `ztun demo --verbose`");
});

rootTest("demo: a device that may not be opened is said once, with what helps", async () => {
  const { code, stdout, stderr } = await demo({ user: "ordinary", tunMode: "0600" });
  assertEquals([code, stdout], [4, ""]);
  assertEquals(stderr.match(/error:/g)?.length, 1, stderr);
  assertStringIncludes(stderr, "hint: `sudo chmod 0666 /dev/net/tun`");
});

rootTest("demo: a signal ends it with all its parts", () =>
  withDirectory(async (directory) => {
    const command = await demoLabCommand(directory, ["--verbose"], { user: "root" });
    await using program = new Running("demo", command);
    await program.logged(/The proxy relays UDP/);
    const parts = descendants(program.pid);
    // The far side, the proxy, the tunnel, and in the tunnel the client.
    assert(parts.length >= 4, `${parts.length} parts`);
    program.signal("SIGTERM");
    assertEquals((await program.ended).code, 130);
    assertEquals(parts.filter(exists), []);
  }));

/** All processes below that one. */
function descendants(pid: number): number[] {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  const children = tasks.flatMap(({ name }) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
    return (text.match(/\d+/g) ?? []).map(Number);
  });
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function exists(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false;
  }
}
