/** The network changes under a running tunnel: another uplink, none, sleep, another resolver, more links. */

import { assert, assertEquals } from "@std/assert";
import { chatter, rounds } from "../support/chatter.ts";
import { webRoot } from "../support/destinations.ts";
import { type Case, hostE2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { type HostLab, type Uplink, WEB, WEB6 } from "../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../support/host_snapshot.ts";
import { type Running } from "../support/process.ts";
import { hashOf, makeFile, url } from "../support/transfer.ts";
import { upkeep, UplinkJudge } from "../support/uplink_judge.ts";
import {
  answerToRelay,
  asks,
  assertCarriesAll,
  assertResolves,
  REMOTE,
  TO_PROXY,
  WholeHost,
} from "../support/whole_host.ts";

const SERVER = "ztun socks";
const SIZE = 8 << 20;

interface Moving {
  lab: HostLab;
  host: WholeHost;
  first: Uplink;
  second: Uplink;
  judges: UplinkJudge[];
}

/** A tunnel on the first network, a second one that is plugged in and down, and judges at both. */
async function moving({ lab }: Case<HostLab>, ...flags: string[]): Promise<Moving> {
  await lab.openInternet();
  await lab.farProxy();
  const [first, second] = [lab.uplinks[0]!, await lab.plug()];
  const judges = [
    await UplinkJudge.watch(lab, lab.host, first.link),
    await UplinkJudge.watch(lab, lab.host, second.link),
  ];
  const host = await WholeHost.up(lab, ...REMOTE, ...flags);
  return { lab, host, first, second, judges };
}

/** No link may be down while it is judged. */
async function assertNoLeaks({ lab, first, second, judges }: Moving): Promise<void> {
  await lab.host.ip(`link set ${first.link} up`, `link set ${second.link} up`);
  for (const judge of judges) assertEquals(await judge.leaks(TO_PROXY), []);
}

/** A way out again, and how long it took to be one. */
async function assertBack({ lab }: Moving): Promise<number> {
  const started = performance.now();
  await eventually("the tunnel to carry again", async () => {
    return await asks(lab.host, WEB) === WEB || undefined;
  });
  return performance.now() - started;
}

hostE2e("another network under a running download: whole, or a clean end", SERVER, async (it) => {
  const { note } = it;
  const all = await moving(it);
  const { lab, host, first, second } = all;
  await makeFile(`${webRoot(lab)}/big`, SIZE);
  const target = `${lab.directory}/part`;
  const download = slowDownload(lab, target);
  await eventually("the download to be under way", () => sizeOf(target) > 200_000 || undefined);
  await lab.leave(first);
  await lab.join(second);
  const ms = await assertBack(all);
  const { code } = await download.ended;
  // 18: the connection ended early; 56: it was reset.
  if (code === 0) assertEquals(await hashOf(target), await hashOf(`${webRoot(lab)}/big`));
  else assert(code === 18 || code === 56, `curl ${code}`);
  await assertCarriesAll(lab);
  const outcome = code === 0 ? "download whole" : `curl ${code}`;
  note(`${outcome}, next one after ${(ms / 1000).toFixed(1)} s`);
  await host.stop();
  await assertNoLeaks(all);
});

function slowDownload(lab: HostLab, target: string): Running {
  const limits = ["--limit-rate", "4M", "--max-time", "60"];
  const command = ["curl", "-sS", ...limits, "-o", target, url(4, "big")];
  return lab.start("download", lab.host, command);
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

hostE2e("back and forth between two networks holds on to nothing", SERVER, async (it) => {
  const all = await moving(it);
  const { lab, host, first, second } = all;
  await lab.host.ip(`link set ${second.link} up`);
  await lab.running(second.link);
  const before = await snapshot(lab.host);
  let descriptors = 0;
  for (const round of [1, 2, 3]) {
    await lab.join(second);
    await lab.leave(first);
    await assertBack(all);
    await lab.join(first);
    await lab.leave(second);
    await assertBack(all);
    if (round === 1) descriptors = host.process.descriptors().length;
  }
  await eventually("no more descriptors than after the first round", () => {
    return host.process.descriptors().length <= descriptors || undefined;
  });
  await lab.host.ip(`link set ${second.link} up`);
  await assertAsBefore(lab.host, before);
  await host.stop();
  await assertNoLeaks(all);
});

hostE2e("a network that is only added leaves a running download whole", SERVER, async (it) => {
  const all = await moving(it);
  const { lab, host, second } = all;
  await makeFile(`${webRoot(lab)}/big`, SIZE);
  const target = `${lab.directory}/part`;
  const download = slowDownload(lab, target);
  await eventually("the download to be under way", () => sizeOf(target) > 200_000 || undefined);
  await lab.join(second);
  await lab.leave(second);
  await lab.join(second);
  assertEquals((await download.ended).code, 0);
  assertEquals(await hashOf(target), await hashOf(`${webRoot(lab)}/big`));
  await host.stop();
  await assertNoLeaks(all);
});

hostE2e("offline, programs are told so; online again, they go on", SERVER, async (it) => {
  const all = await moving(it);
  const { lab, host, first } = all;
  await lab.leave(first);
  const offline = await asks(lab.host, WEB);
  assert(offline.startsWith("curl "), offline);
  const spent = await cpuSeconds(host.process.pid, 1_000);
  assert(spent < 0.5, `${spent} s of CPU time in a second of nothing`);
  await lab.join(first);
  await assertBack(all);
  await assertCarriesAll(lab);
  await host.stop();
  await assertNoLeaks(all);
});

/** What the process computes meanwhile; other processes do not count. */
async function cpuSeconds(pid: number, ms: number): Promise<number> {
  const ticks = () => {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, ms));
  return (ticks() - before) / 100;
}

hostE2e("asleep on one network, awake on another", SERVER, async (it) => {
  const all = await moving(it);
  const { lab, host, first, second } = all;
  host.process.signal("SIGSTOP");
  await lab.leave(first);
  await lab.join(second);
  host.process.signal("SIGCONT");
  await assertBack(all);
  await assertCarriesAll(lab);
  await host.stop();
  await assertNoLeaks(all);
});

for (const flags of [[], ["--strict"]]) {
  const name = flags.length === 0 ? "programs that talk" : "--strict, and programs that talk";
  hostE2e(`${name} while the networks change: nothing leaves outside`, SERVER, async (it) => {
    const all = await moving(it, ...flags);
    const { lab, host, first, second } = all;
    const programs = chatter(lab);
    await rounds(programs, 1);
    await lab.leave(first);
    await rounds(programs, 1);
    await lab.join(second);
    await rounds(programs, 1);
    await lab.join(first);
    await rounds(programs, 1);
    await programs.kill();
    await assertBack(all);
    await assertCarriesAll(lab);
    await host.stop();
    await assertNoLeaks(all);
    it.note("packets outside: 0");
  });
}

hostE2e("--interface names the way out, and there is no other", SERVER, async (it) => {
  const { lab } = it;
  await lab.openInternet();
  await lab.farProxy();
  const [first, second] = [lab.uplinks[0]!, await lab.plug()];
  await lab.join(second);
  const before = await snapshot(lab.host);
  const judge = await UplinkJudge.watch(lab, lab.host, first.link);
  const host = await WholeHost.up(lab, ...REMOTE, "--interface", second.link);
  await assertCarriesAll(lab);
  assertEquals(await judge.leaks([upkeep, answerToRelay]), []);
  await host.stop();
  await assertAsBefore(lab.host, before);
});

hostE2e("a DHCP client's new resolver is asked through the tunnel only", SERVER, async (it) => {
  const all = await moving(it);
  const { lab, host, second } = all;
  await lab.join(second);
  const theirs = `nameserver ${second.gateway}\n`;
  await lab.resolvConf(theirs);
  await eventually("the resolver to point into the tunnel again", async () => {
    return await resolvConf(lab) !== theirs || undefined;
  });
  await assertResolves(lab);
  await host.stop();
  assertEquals(await resolvConf(lab), theirs);
  await assertNoLeaks(all);
});

async function resolvConf(lab: HostLab): Promise<string> {
  return await Deno.readTextFile(lab.host.outside("/etc/resolv.conf"));
}

hostE2e("other programs' links and routes come and go beside the tunnel", SERVER, async (it) => {
  const all = await moving(it);
  const { lab, host } = all;
  await lab.host.ip(
    "link add vpn0 type veth peer name vpn1",
    "addr add 10.77.0.1/24 dev vpn0",
    "link set vpn0 up",
    "link set vpn1 up",
    "route add 10.78.0.0/16 via 10.77.0.2 dev vpn0",
  );
  assertEquals(await asks(lab.host, WEB), WEB);
  await lab.host.ip("link del vpn0");
  assertEquals(await asks(lab.host, WEB6), WEB6);
  await host.stop();
  await assertNoLeaks(all);
});

hostE2e(
  "two tunnels at once, each with its networks; one ends, the other stays",
  SERVER,
  async (it) => {
    const { lab } = it;
    await lab.openInternet();
    await lab.farProxy();
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const everything = await WholeHost.up(lab, ...REMOTE);
    const one = await WholeHost.up(lab, ...REMOTE, "--include", "203.0.113.0/24");
    const opened = async (host: WholeHost) => (await host.status()).counters.tcpOpened;
    const [first, second] = [await opened(everything), await opened(one)];
    assertEquals(await asks(lab.host, WEB), WEB);
    assertEquals(await asks(lab.host, WEB6), WEB6);
    assertEquals([await opened(everything) - first, await opened(one) - second], [1, 1]);
    await one.stop();
    await assertCarriesAll(lab);
    const again = await WholeHost.up(lab, ...REMOTE, "--include", "2001:db8:10::/48");
    await everything.stop();
    assertEquals(await asks(lab.host, WEB6), WEB6);
    assertEquals(await judge.leaks(TO_PROXY), []);
    assertEquals(await asks(lab.host, WEB), lab.uplinks[0]!.address);
    await again.stop();
    await assertAsBefore(lab.host, before);
  },
);

for (const order of ["in the order that they came", "the other way round"]) {
  hostE2e(`two tunnels for everything, ended ${order}`, SERVER, async ({ lab }) => {
    await lab.openInternet();
    await lab.farProxy();
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const two = [await WholeHost.up(lab, ...REMOTE), await WholeHost.up(lab, ...REMOTE)];
    await assertCarriesAll(lab);
    const [first, last] = order === "the other way round" ? two.reverse() : two;
    await first!.stop();
    await assertCarriesAll(lab);
    await last!.stop();
    assertEquals(await judge.leaks(TO_PROXY), []);
    await assertAsBefore(lab.host, before);
  });
}
