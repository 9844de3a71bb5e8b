/** Containers on the host, and other machines that it forwards for, while the tunnel is up. */

import { assertEquals } from "@std/assert";
import { webRoot } from "../support/destinations.ts";
import { addContainer, CONTAINER, PUBLISHED } from "../support/docker_bridge.ts";
import { type Case, hostE2e } from "../support/e2e.ts";
import { type HostLab, WEB } from "../support/host_lab.ts";
import { assertAsBefore, type HostSnapshot, snapshot } from "../support/host_snapshot.ts";
import type { Namespace } from "../support/stage.ts";
import { downloadHash, hashOf, makeFile, url } from "../support/transfer.ts";
import { answersFrom, to, UplinkJudge } from "../support/uplink_judge.ts";
import { asks, assertCarriesAll, REMOTE, TO_PROXY, WholeHost } from "../support/whole_host.ts";

const SERVER = "ztun socks";
const SIZE = 4 << 20;
const HOST_PORT = 8022;
const ANSWERS = [...TO_PROXY, answersFrom("tcp", PUBLISHED), answersFrom("tcp", HOST_PORT)];

interface Docked {
  lab: HostLab;
  container: Namespace;
  judge: UplinkJudge;
  before: HostSnapshot;
}

async function docked({ lab }: Case<HostLab>): Promise<Docked> {
  await lab.openInternet();
  await lab.farProxy();
  const container = await addContainer(lab);
  const before = await snapshot(lab.host);
  return { lab, container, before, judge: await UplinkJudge.watch(lab, lab.host, "uplink") };
}

async function assertPublished({ lab }: Docked): Promise<void> {
  const get = ["curl", "-sS", "--max-time", "20", `http://10.1.0.2:${PUBLISHED}/`];
  assertEquals(await lab.server.must(get), "container\n", "from far away");
  assertEquals(await lab.neighbour.must(get), "container\n", "from the LAN");
  assertEquals(await lab.host.must(get), "container\n", "from the host itself");
}

/** Container and host reach one another, whatever the tunnel does. */
async function assertAtHome({ lab, container }: Docked): Promise<void> {
  const get = ["curl", "-sS", "--max-time", "20"];
  assertEquals(await lab.host.must([...get, `http://${CONTAINER}/`]), "container\n");
  const listen = `TCP4-LISTEN:${HOST_PORT},reuseaddr,fork`;
  await lab.serve(
    "service",
    ["socat", listen, "EXEC:echo host"],
    "172.17.0.1",
    HOST_PORT,
    lab.host,
  );
  const ask = ["socat", "-T", "10", "-", `TCP4:172.17.0.1:${HOST_PORT}`];
  assertEquals(await container.must(ask), "host\n");
}

for (const flags of [[], ["--strict"]]) {
  const with_ = flags.length === 0 ? "" : ` with ${flags[0]}`;
  hostE2e(
    `a container goes through the tunnel, its published port stays${with_}`,
    SERVER,
    async (it) => {
      const all = await docked(it);
      const { lab, container, judge } = all;
      const host = await WholeHost.up(lab, ...REMOTE, ...flags);
      assertEquals(await asks(container, WEB), WEB);
      await assertPublished(all);
      await assertAtHome(all);
      await assertCarriesAll(lab);
      await host.stop();
      assertEquals(await judge.leaks(ANSWERS), []);
      await assertAsBefore(lab.host, all.before);
      await assertPublished(all);
    },
  );
}

hostE2e(
  "--except-interface docker0 leaves containers outside, and the host in",
  SERVER,
  async (it) => {
    const { lab, container, judge } = await docked(it);
    const host = await WholeHost.up(lab, ...REMOTE, "--except-interface", "docker0");
    assertEquals(await asks(container, WEB), lab.uplinks[0]!.address);
    await assertCarriesAll(lab);
    await host.stop();
    assertEquals(await judge.leaks([...TO_PROXY, to("tcp", WEB, 80)]), []);
  },
);

hostE2e(
  "--only-interface docker0 takes containers in, and other machines not",
  SERVER,
  async (it) => {
    const { lab, container } = await docked(it);
    await lab.host.must(["nft", "add rule ip filter FORWARD iifname uplink accept"]);
    await lab.neighbour.ip(`route replace ${WEB} via 10.1.0.2`);
    const host = await WholeHost.up(lab, ...REMOTE, "--only-interface", "docker0");
    assertEquals(await asks(container, WEB), WEB);
    assertEquals(await asks(lab.neighbour, WEB), "10.1.0.7");
    await host.stop();
  },
);

hostE2e("other machines of the LAN go through the tunnel of their gateway", SERVER, async (it) => {
  const { lab, judge } = await docked(it);
  await lab.host.must(["nft", "add rule ip filter FORWARD iifname uplink accept"]);
  await lab.host.must(["nft", "add rule ip filter FORWARD oifname uplink accept"]);
  await lab.host.sysctl("net.ipv4.conf.all.send_redirects", 0);
  await lab.host.sysctl("net.ipv4.conf.uplink.send_redirects", 0);
  await lab.neighbour.ip(`route replace ${WEB} via 10.1.0.2`);
  const host = await WholeHost.up(lab, ...REMOTE);
  assertEquals(await asks(lab.neighbour, WEB), WEB);
  await host.stop();
  const toNeighbour = ({ destination }: { destination: string }) => destination === "10.1.0.7";
  assertEquals(await judge.leaks([...TO_PROXY, toNeighbour]), []);
});

hostE2e("a container downloads whole files behind a smaller uplink", SERVER, async (it) => {
  const { lab, container, judge } = await docked(it);
  await lab.host.ip("link set uplink mtu 1300");
  await lab.uplinks[0]!.router.ip("link set host mtu 1300", "link set lan mtu 1300");
  await makeFile(`${webRoot(lab)}/file`, SIZE);
  const host = await WholeHost.up(lab, ...REMOTE);
  const hash = await hashOf(`${webRoot(lab)}/file`);
  assertEquals(await downloadHash(container, url(4, "file")), hash);
  assertEquals(await downloadHash(lab.host, url(6, "file")), hash);
  await host.stop();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

for (const containers of [false, true]) {
  const beside = containers ? "beside containers" : "on a host that forwards nothing";
  hostE2e(`a session that came in from outside is not cut, ${beside}`, SERVER, async ({ lab }) => {
    await lab.openInternet();
    await lab.farProxy();
    if (containers) await addContainer(lab);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const listen = `TCP4-LISTEN:${HOST_PORT},reuseaddr,fork`;
    await lab.serve("service", ["socat", listen, "EXEC:cat"], "127.0.0.1", HOST_PORT, lab.host);
    const session = lab.start("session", lab.server, talk(), { stdin: "piped" });
    await session.write("before\n");
    await session.logged(/before/);
    const host = await WholeHost.up(lab, ...REMOTE);
    await session.write("during\n");
    await session.logged(/during/);
    assertEquals(await lab.server.must(talk("-t", "5"), { input: "new\n" }), "new\n");
    await host.stop();
    await session.write("after\n");
    await session.logged(/after/);
    assertEquals(await judge.leaks(ANSWERS), []);
  });
}

/** To the service on the host. */
function talk(...flags: string[]): string[] {
  return ["socat", ...flags, "-", `TCP4:10.1.0.2:${HOST_PORT}`];
}
