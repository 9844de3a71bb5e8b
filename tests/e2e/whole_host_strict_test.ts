/** The kill switch: what it keeps in while the tunnel starts, runs, dies and is gone. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { chatter, rounds } from "../support/chatter.ts";
import { hostE2e } from "../support/e2e.ts";
import { type HostLab, NEIGHBOUR, WEB, WEB6 } from "../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../support/host_snapshot.ts";
import { SSH_FLOW, startLocalSsh } from "../support/local_proxies.ts";
import { toNetwork, UplinkJudge } from "../support/uplink_judge.ts";
import {
  asks,
  asksResolver,
  assertCarriesAll,
  assertDirect,
  echoes,
  LOCAL,
  mustZtun,
  REMOTE,
  TO_PROXY,
  WholeHost,
  ztunOn,
} from "../support/whole_host.ts";

const SERVER = "ztun socks";

hostE2e("SIGKILL with --strict: nothing leaves until `down` lifts it", SERVER, async (it) => {
  const { lab, note } = it;
  await lab.openInternet();
  await lab.farProxy();
  const before = await snapshot(lab.host);
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const host = await WholeHost.up(lab, ...REMOTE, "--strict");
  await assertCarriesAll(lab);
  const programs = chatter(lab);
  await rounds(programs, 1);
  assertEquals(await judge.leaks(TO_PROXY), [], "while it ran");
  await host.kill();
  await rounds(programs, 2);
  assertEquals(await judge.leaks(TO_PROXY), [], "after it was killed");
  assertMatch(await statusText(lab), /kill switch is still in force/);
  await programs.kill();
  assertEquals(await judge.leaks(TO_PROXY), []);
  await mustZtun(lab, "down");
  await assertAsBefore(lab.host, before);
  await assertDirect(lab);
  note("packets outside: 0");
});

async function statusText(lab: HostLab): Promise<string> {
  const { stdout, stderr } = await ztunOn(lab, "status");
  return stdout + stderr;
}

hostE2e(
  "the next `up` takes over after SIGKILL, and leaks nothing in between",
  SERVER,
  async (it) => {
    const { lab } = it;
    await lab.openInternet();
    await lab.farProxy();
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const first = await WholeHost.up(lab, ...REMOTE, "--strict");
    await first.kill();
    const second = await WholeHost.up(lab, ...REMOTE, "--strict");
    await assertCarriesAll(lab);
    assertEquals(await judge.leaks(TO_PROXY), []);
    await second.stop();
    await assertAsBefore(lab.host, before);
  },
);

hostE2e("--strict from the first step on, and to the last", SERVER, async (it) => {
  const { lab } = it;
  await lab.openInternet();
  await lab.farProxy();
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const host = WholeHost.begin(lab, ...REMOTE, "--strict");
  await host.process.logged(/ready/, 30_000);
  const programs = chatter(lab);
  await rounds(programs, 1);
  // In the order that a journal undoes: the kill switch goes last, and then nobody talks.
  await programs.kill();
  await host.stop();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

hostE2e(
  "--strict shuts the LAN out, and --lan yes lets it in but for names",
  SERVER,
  async (it) => {
    const { lab } = it;
    await lab.openInternet();
    await lab.farProxy();
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const shut = await WholeHost.up(lab, ...REMOTE, "--strict");
    // Whoever answers this is not the neighbour.
    await lab.host.run(["ping", "-c", "1", "-W", "1", NEIGHBOUR]);
    assertEquals(await asks(lab.host, NEIGHBOUR), "curl 7");
    await shut.stop();
    assertEquals(await judge.leaks(TO_PROXY), []);
    const open = await WholeHost.up(lab, ...REMOTE, "--strict", "--lan", "yes");
    await lab.host.must(["ping", "-n", "-c", "1", "-W", "5", NEIGHBOUR]);
    // Whoever answers this is not the router either.
    assertEquals(await asksResolver(lab.host, lab.uplinks[0]!.gateway), WEB);
    assert(!(await judge.packets()).some(({ port }) => port === 53), "a query has left");
    await open.stop();
    const neighbour = toNetwork(`${NEIGHBOUR}/32`);
    assert((await judge.packets()).some(neighbour));
    assertEquals(await judge.leaks([...TO_PROXY, neighbour]), []);
  },
);

hostE2e("SIGKILL of tunnel and local proxy with --strict leaks nothing", "ssh -D", async (it) => {
  const { lab } = it;
  await lab.openInternet();
  const ssh = await startLocalSsh(lab);
  const before = await snapshot(lab.host);
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const host = await WholeHost.up(lab, ...LOCAL, "--strict");
  assertEquals(await asks(lab.host, WEB), WEB);
  const programs = chatter(lab);
  await rounds(programs, 1);
  await host.kill();
  await rounds(programs, 1);
  await ssh.kill();
  await rounds(programs, 1);
  await programs.kill();
  assertEquals(await judge.leaks(SSH_FLOW), []);
  assertEquals(await echoes(lab.host, WEB, 1), false);
  await mustZtun(lab, "down");
  await assertAsBefore(lab.host, before);
});

hostE2e(
  "--strict with --include: those networks by the tunnel, others not at all",
  SERVER,
  async (it) => {
    const { lab } = it;
    await lab.openInternet();
    await lab.farProxy();
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const host = await WholeHost.up(lab, ...REMOTE, "--strict", "--include", "203.0.113.0/24");
    assertEquals(await asks(lab.host, WEB), WEB);
    assertEquals(await asks(lab.host, WEB6), "curl 7");
    await host.stop();
    assertEquals(await judge.leaks(TO_PROXY), []);
    await assertAsBefore(lab.host, before);
  },
);
