/** A proxy on the very host whose traffic is captured: `sudo ztun up --socks 127.0.0.1:1080` just works. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { hostE2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { type HostLab, WEB, WEB6 } from "../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../support/host_snapshot.ts";
import {
  SSH_FLOW,
  startDanteService,
  startForwarder,
  startLocalMicrosocks,
  startLocalSsh,
  TCP_FLOWS,
  UDP_FLOWS,
} from "../support/local_proxies.ts";
import type { Running } from "../support/process.ts";
import { type Allowed, UplinkJudge } from "../support/uplink_judge.ts";
import {
  asks,
  assertDirect,
  echoes,
  LOCAL,
  looksUp,
  TO_PROXY,
  WholeHost,
} from "../support/whole_host.ts";
import { ztun } from "../support/ztun.ts";

interface LocalProxy {
  start(lab: HostLab): Promise<Running>;
  allowed: readonly Allowed[];
  /** Who asks the web server in the end. */
  asker(lab: HostLab): string;
  udp: boolean;
}

const RESTARTS = 3;
/** What a new process sends until it is known goes round; it is not known in no time. */
const MOST_ASTRAY = 500;
const itself = (lab: HostLab) => lab.uplinks[0]!.address;
const PROXIES: Record<string, LocalProxy> = {
  "ssh -D": { start: startLocalSsh, allowed: SSH_FLOW, asker: () => WEB, udp: false },
  "microsocks": { start: startLocalMicrosocks, allowed: TCP_FLOWS, asker: itself, udp: false },
  "dante": {
    start: startDanteService,
    allowed: [...TCP_FLOWS, ...UDP_FLOWS],
    asker: itself,
    udp: true,
  },
  // A process for each connection, none of which is there when it is looked for.
  "socat to a far proxy": {
    start: startForwarder,
    allowed: TO_PROXY,
    asker: () => WEB,
    // It carries the request, and not the datagrams.
    udp: false,
  },
};

for (const [name, proxy] of Object.entries(PROXIES)) {
  hostE2e("`up --socks 127.0.0.1:1080` just works, and loops nowhere", name, async ({ lab }) => {
    await lab.openInternet();
    await proxy.start(lab);
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const host = await WholeHost.up(lab, ...LOCAL);
    const opened = (await host.status()).counters.tcpOpened;
    for (let at = 0; at < 5; at++) assertEquals(await asks(lab.host, WEB), proxy.asker(lab));
    // A connection that came back into the tunnel would be one more, and so on.
    assertEquals((await host.status()).counters.tcpOpened - opened, 5);
    assertEquals(await looksUp(lab.host, "web.test", "AAAA"), `NOERROR ${WEB6}`);
    assertEquals(await echoes(lab.host, WEB), proxy.udp);
    await host.stop();
    assertEquals(await judge.leaks(proxy.allowed), []);
    await assertAsBefore(lab.host, before);
    await assertDirect(lab);
  });
}

hostE2e("a local proxy restarted under load is followed", "microsocks", async ({ lab, note }) => {
  await lab.openInternet();
  let proxy = await startLocalMicrosocks(lab);
  const before = await snapshot(lab.host);
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const host = await WholeHost.up(lab, ...LOCAL);
  const script = `while true; do
    curl -s --max-time 5 http://${WEB}/from || echo failed
  done`;
  const load = [1, 2, 3].map((at) => lab.start(`load ${at}`, lab.host, ["bash", "-c", script]));
  for (let restart = 0; restart < RESTARTS; restart++) {
    await proxy.kill();
    proxy = await startLocalMicrosocks(lab);
    const served = load.map(({ log }) => log.length);
    await eventually("the load to be carried again", () => {
      const again = load.every(({ log }, at) => log.slice(served[at]).includes(itself(lab)));
      return again || undefined;
    }, 30_000);
  }
  for (const each of load) await each.kill();
  const asked = load.map(({ log }) => log.split("\n").length).reduce((a, b) => a + b);
  await eventually("no flow to go round in circles", async () => {
    return (await host.status()).gauges.tcpFlows === 0 || undefined;
  }, 20_000);
  const { tcpOpened } = (await host.status()).counters;
  assert(tcpOpened < asked + RESTARTS * MOST_ASTRAY, `${tcpOpened} flows for ${asked} downloads`);
  note(`${asked} downloads, ${tcpOpened} flows`);
  await host.stop();
  assertEquals(await judge.leaks(TCP_FLOWS), []);
  await proxy.kill();
  await assertAsBefore(lab.host, before);
});

hostE2e(
  "a proxy whose traffic cannot be told apart is refused, with a way out",
  "microsocks",
  async (it) => {
    const { lab } = it;
    await lab.openInternet();
    await startLocalMicrosocks(lab);
    const before = await lab.host.picture();
    // No control groups: what the proxy sends looks like everybody else's.
    const without = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup && exec "$@"', "sh"];
    const up = lab.start("ztun up", lab.host, [...without, ...ztun("up", ...LOCAL)]);
    assertEquals((await up.ended).code, 1);
    assertMatch(up.log, /^hint: /m);
    assertEquals(await lab.host.picture(), before);
  },
);
