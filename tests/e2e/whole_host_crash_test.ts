/** SIGKILL at every step of set-up and tear-down, then `cleanup`: the host is as it was. */

import { assert, assertEquals } from "@std/assert";
import { hostE2e } from "../support/e2e.ts";
import { type HostLab, WEB, WEB6 } from "../support/host_lab.ts";
import { assertAsBefore, type HostSnapshot, snapshot } from "../support/host_snapshot.ts";
import { startLocalMicrosocks } from "../support/local_proxies.ts";
import { UplinkJudge } from "../support/uplink_judge.ts";
import { asks, asksResolver, LOCAL, mustZtun, REMOTE, TO_PROXY } from "../support/whole_host.ts";
import { program } from "../support/ztun.ts";

/** All kinds of changes: routes, rules, a resolver, a control group, both tables of the firewall. */
const QUICK = ["--strict", "--no-probe", "--udp", "off"];
const EVERYTHING = [...LOCAL, ...QUICK];
const NEVER = 1e9;
/** Fewer steps than this would be another program than the one that these tests are about. */
const FEWEST = 20;

interface Life {
  killed: boolean;
  /** Steps before it was ready, when it came to that. */
  ready: number | undefined;
}

async function readied(lab: HostLab): Promise<HostSnapshot> {
  await lab.openInternet();
  await startLocalMicrosocks(lab);
  return await snapshot(lab.host);
}

/** Set-up and tear-down, up to step `at`. */
async function live(lab: HostLab, at: number, flags = EVERYTHING): Promise<Life> {
  const file = `${lab.directory}/steps`;
  await Deno.writeTextFile(file, "0");
  const command = program("mortal_ztun.ts", String(at), file, "up", ...flags);
  const process = lab.start(`ztun up, dies at ${at}`, lab.host, command);
  await Promise.race([process.logged(/\bready\b/), process.ended]).catch((error) => {
    if (process.alive) throw error;
  });
  const ready = /\bready\b/.test(process.log) ? Number(await Deno.readTextFile(file)) : undefined;
  const { code, signal } = await process.stop("SIGTERM", 20_000);
  assert(signal === "SIGKILL" || code === 0, `at ${at}: ${process.log}`);
  return { killed: signal === "SIGKILL", ready };
}

async function cleanUp(lab: HostLab, before: HostSnapshot): Promise<void> {
  await mustZtun(lab, "cleanup");
  await assertAsBefore(lab.host, before);
}

hostE2e(
  "SIGKILL at every step of set-up, then cleanup: all as before",
  "microsocks",
  async (it) => {
    const { lab, note } = it;
    const before = await readied(lab);
    let kills = 0;
    while ((await live(lab, kills)).ready === undefined) {
      kills += 1;
      await cleanUp(lab, before);
    }
    assert(kills > FEWEST, `${kills} steps`);
    note(`${kills} kills, 0 differences`);
  },
);

hostE2e(
  "SIGKILL at every step of tear-down, then cleanup: all as before",
  "microsocks",
  async (it) => {
    const { lab, note } = it;
    const before = await readied(lab);
    const { ready } = await live(lab, NEVER);
    await assertAsBefore(lab.host, before);
    let kills = 0;
    while ((await live(lab, ready! + kills)).killed) {
      kills += 1;
      await cleanUp(lab, before);
    }
    assert(kills > FEWEST, `${kills} steps`);
    await assertAsBefore(lab.host, before);
    assertEquals(await asks(lab.host), lab.uplinks[0]!.address);
    note(`${kills} kills, 0 differences`);
  },
);

hostE2e(
  "SIGKILL, then the next `up`: it undoes what was left, and begins",
  "microsocks",
  async (it) => {
    const { lab } = it;
    const before = await readied(lab);
    const { ready } = await live(lab, NEVER);
    assertEquals((await live(lab, ready! - 1)).killed, true);
    const { killed, ready: again } = await live(lab, NEVER);
    assertEquals(killed, false);
    assert(again! > ready!, "it undid nothing");
    await assertAsBefore(lab.host, before);
  },
);

hostE2e(
  "SIGKILL at every step with --strict: while the switch is there, nothing leaves",
  "ztun socks",
  async (it) => {
    const { lab, note } = it;
    await lab.openInternet();
    await lab.farProxy();
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    let [kills, shut] = [0, 0];
    while ((await live(lab, kills, [...REMOTE, ...QUICK])).killed) {
      kills += 1;
      if ((await lab.host.must(["nft", "list", "tables"])).includes("ztun_strict")) {
        shut += 1;
        await assertShut(lab, judge);
      }
      await cleanUp(lab, before);
    }
    assert(shut > FEWEST, `${shut} of ${kills} with the switch`);
    note(`${kills} kills, ${shut} with the switch, packets outside: 0`);
  },
);

/** Nothing that a program tries gets out. */
async function assertShut(lab: HostLab, judge: UplinkJudge): Promise<void> {
  await judge.forget();
  await Promise.all([asks(lab.host, WEB), asks(lab.host, WEB6), asksResolver(lab.host)]);
  assertEquals(await judge.leaks(TO_PROXY), []);
}
