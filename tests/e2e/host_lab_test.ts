/** The lab of the whole-host tests, and its judge, prove themselves: they see what they are there for. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { addContainer, PUBLISHED } from "../support/docker_bridge.ts";
import { type Case, hostE2e } from "../support/e2e.ts";
import { FAR_PROXY, type HostLab, NEIGHBOUR, PORT, WEB, WEB6 } from "../support/host_lab.ts";
import {
  assertAsBefore,
  differences,
  type HostSnapshot,
  snapshot,
} from "../support/host_snapshot.ts";
import { answersFrom, to, toNetwork, upkeep, UplinkJudge } from "../support/uplink_judge.ts";

const NO_TUNNEL = "no tunnel";

hostE2e("the judge sees a leak of every kind, and only leaks", NO_TUNNEL, async ({ lab }) => {
  await lab.openInternet();
  await lab.farProxy();
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const proxied = ["curl", "-sS", "--socks5", `${FAR_PROXY}:${PORT}`, `http://${WEB}/from`];
  assertEquals(await lab.host.must(proxied), `${WEB}\n`);
  const allowed = [upkeep, to("tcp", FAR_PROXY, PORT)];
  assertEquals(await judge.leaks(allowed), []);
  assert((await judge.packets()).some(to("tcp", FAR_PROXY, PORT)));
  const leaks = {
    "tcp 4": [`curl -sS --max-time 20 http://${WEB}/from`, `tcp 10.1.0.2 N > ${WEB} 80`],
    "tcp 6": [`curl -sS --max-time 20 http://[${WEB6}]/from`, `tcp fd01::2 N > ${WEB6} 80`],
    "dns": ["dig +short web.test", "udp 10.1.0.2 N > 192.0.2.53 53"],
    "udp": [`echo x | nc.openbsd -u -W 1 -w 5 ${WEB} 7007`, `udp 10.1.0.2 N > ${WEB} 7007`],
    "ping": [`ping -c 1 ${WEB6}`, `icmp6 fd01::2 > ${WEB6} type 128`],
    "lan": [`ping -c 1 ${NEIGHBOUR}`, `icmp 10.1.0.2 > ${NEIGHBOUR} type 8`],
  };
  for (const [kind, [script, leak]] of Object.entries(leaks)) {
    await judge.forget();
    await lab.host.must(["sh", "-c", script!]);
    assertEquals([...new Set((await judge.leaks(allowed)).map(withoutPort))], [leak], kind);
  }
  assertEquals(await judge.leaks([...allowed, toNetwork("10.1.0.0/24")]), []);
});

function withoutPort(text: string): string {
  return text.replace(/ \(.* times\)$/, "").replace(/ \d{5} > /, " N > ");
}

hostE2e("a published port of the container is reached, and judged", NO_TUNNEL, async ({ lab }) => {
  await lab.openInternet();
  const container = await addContainer(lab);
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const url = `http://10.1.0.2:${PUBLISHED}/`;
  assertEquals(await lab.server.must(["curl", "-sS", url]), "container\n");
  assertEquals(await lab.neighbour.must(["curl", "-sS", url]), "container\n");
  assertEquals(await judge.leaks([upkeep, answersFrom("tcp", PUBLISHED)]), []);
  assertEquals(await container.must(["curl", "-sS", `http://${WEB}/from`]), "10.1.0.2\n");
  assertNotEquals(await judge.leaks([upkeep, answersFrom("tcp", PUBLISHED)]), []);
});

hostE2e("a network is left for another, and the judge stays", NO_TUNNEL, async ({ lab }) => {
  await lab.openInternet();
  const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
  const second = await lab.plug();
  await lab.leave(lab.uplinks[0]!);
  await lab.join(second);
  assertEquals(await lab.host.must(["curl", "-sS", `http://${WEB}/from`]), `${second.address}\n`);
  await lab.leave(second);
  await lab.join(lab.uplinks[0]!);
  assertEquals(await lab.host.must(["curl", "-sS", `http://${WEB}/from`]), "10.1.0.2\n");
  assert((await judge.packets()).some(to("tcp", WEB, 80)));
});

hostE2e("what a tunnel may change shows in the snapshot, and not on the machine", NO_TUNNEL, check);

/** Each change, and how it is undone. */
const CHANGES: Record<keyof HostSnapshot, [string, string]> = {
  rules: ["ip rule add pref 99 lookup 99", "ip rule del pref 99"],
  rules6: ["ip -6 rule add pref 99 lookup 99", "ip -6 rule del pref 99"],
  routes: [`ip route add ${WEB} via 10.1.0.1 table 99`, "ip route flush table 99"],
  routes6: [`ip route add ${WEB6} via fd01::1 table 99`, "ip -6 route flush table 99"],
  links: ["ip link add new0 type bridge", "ip link del new0"],
  firewall: ["nft add table inet x", "nft delete table inet x"],
  sysctls: [
    "echo 1 > /proc/sys/net/ipv4/conf/all/src_valid_mark",
    "echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark",
  ],
  resolvConf: [
    "cp /etc/resolv.conf /run/kept; echo > /etc/resolv.conf",
    "cp /run/kept /etc/resolv.conf; rm /run/kept",
  ],
  cgroups: ["mkdir /sys/fs/cgroup/x", "rmdir /sys/fs/cgroup/x"],
  files: ["mkdir -p /run/ztun; echo > /run/ztun/x", "rm -r /run/ztun"],
};

async function check({ lab }: Case<HostLab>): Promise<void> {
  const { host } = lab;
  const before = await snapshot(host);
  const machine = await machineFiles();
  for (const [part, [change, undo]] of Object.entries(CHANGES)) {
    await host.must(["sh", "-ec", change]);
    const changed = await snapshot(host);
    const found = differences(before, changed).map((line) => line.split(" ")[1]);
    assert(found.includes(part), `${part}: ${found}`);
    assertEquals(await machineFiles(), machine, part);
    await host.must(["sh", "-ec", undo]);
    await assertAsBefore(host, before);
  }
}

/** Of the machine that the tests run on. */
async function machineFiles(): Promise<unknown[]> {
  const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
  return await Promise.all([
    Deno.readTextFile("/etc/resolv.conf"),
    exists("/run/ztun/x"),
    exists("/run/kept"),
    exists("/sys/fs/cgroup/unified/x"),
    exists("/sys/fs/cgroup/x"),
  ]);
}
