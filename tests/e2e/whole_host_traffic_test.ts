/** The whole host through a proxy elsewhere: everything goes in, nothing goes past, all is given back. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Case, hostE2e } from "../support/e2e.ts";
import {
  FAR_PROXY6,
  type HostLab,
  NEIGHBOUR,
  NEIGHBOUR6,
  PORT,
  RESOLVER,
  RESOLVER6,
  WEB,
  WEB6,
} from "../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../support/host_snapshot.ts";
import { to, toNetwork, UplinkJudge } from "../support/uplink_judge.ts";
import {
  asks,
  asksResolver,
  assertCarriesAll,
  assertDirect,
  assertResolves,
  echoes,
  looksUp,
  mustZtun,
  REMOTE,
  TO_PROXY,
  WholeHost,
} from "../support/whole_host.ts";

const SERVER = "ztun socks";

/** Everything on the far side, and a judge at the host's uplink. */
async function open({ lab }: Case<HostLab>): Promise<UplinkJudge> {
  await lab.openInternet();
  await lab.farProxy();
  await lab.farProxy(FAR_PROXY6);
  return await UplinkJudge.watch(lab, lab.host, "uplink");
}

hostE2e(
  "up with a proxy and nothing else carries everything, leaks nothing",
  SERVER,
  async (it) => {
    const judge = await open(it);
    const before = await snapshot(it.lab.host);
    const host = await WholeHost.up(it.lab, ...REMOTE);
    assertEquals(await judge.leaks(TO_PROXY), [], "while it started");
    await assertCarriesAll(it.lab);
    assertEquals(await judge.leaks(TO_PROXY), [], "while it ran");
    await host.stop();
    assertEquals(await judge.leaks(TO_PROXY), [], "while it stopped");
    await assertAsBefore(it.lab.host, before);
    await assertDirect(it.lab);
    it.note("packets outside: 0");
  },
);

hostE2e("the proxy is reached over IPv6 as well", SERVER, async (it) => {
  const judge = await open(it);
  const host = await WholeHost.up(it.lab, "--socks", `[${FAR_PROXY6}]:${PORT}`);
  await assertCarriesAll(it.lab);
  await host.stop();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

hostE2e("what is under way when it stops leaves nothing outside", SERVER, async (it) => {
  const { lab } = it;
  const judge = await open(it);
  const host = await WholeHost.up(lab, ...REMOTE, "--grace", "1s");
  const script = (web: string) =>
    `exec 3<>/dev/tcp/${web}/80; echo open; sleep 600; echo more >&3; sleep 600`;
  const holders = [WEB, WEB6].map((web) =>
    lab.start("holder", lab.host, ["bash", "-c", script(web)])
  );
  for (const holder of holders) await holder.logged(/open/);
  await host.stop();
  for (const holder of holders) await holder.kill();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

hostE2e("a family that the tunnel cannot carry is refused at once", SERVER, async (it) => {
  const judge = await open(it);
  const host = await WholeHost.up(it.lab, ...REMOTE, "--address", "198.18.0.1/30");
  assertEquals(await asks(it.lab.host, WEB), WEB);
  const started = await it.lab.host.run(["bash", "-c", `< /dev/tcp/${WEB6}/80`]);
  assertMatch(started.stderr, /unreachable|No route|not permitted|denied/i);
  assertEquals(await asks(it.lab.host, "web.test"), WEB, "by name, over the family that there is");
  await host.stop();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

hostE2e("the LAN stays outside, but no query goes to its resolver", SERVER, async (it) => {
  const { lab } = it;
  const judge = await open(it);
  await lab.resolvConf(`nameserver ${lab.uplinks[0]!.gateway}\n`);
  const host = await WholeHost.up(lab, ...REMOTE, "--dns-server", RESOLVER);
  assertEquals(await pings(lab, NEIGHBOUR), true);
  assertEquals(await pings(lab, NEIGHBOUR6), true);
  await assertResolves(lab);
  await host.stop();
  const lan = [toNetwork("10.1.0.0/24"), toNetwork("fd01::/64")];
  assertEquals(await judge.leaks([...TO_PROXY, ...lan]), []);
  assert(!(await judge.packets()).some(({ port }) => port === 53), "a query has left");
});

hostE2e("--lan no takes the LAN into the tunnel too", SERVER, async (it) => {
  const { lab } = it;
  const judge = await open(it);
  const host = await WholeHost.up(lab, ...REMOTE, "--lan", "no");
  assertEquals(await asks(lab.host, WEB), WEB);
  await pings(lab, NEIGHBOUR);
  await pings(lab, NEIGHBOUR6);
  assertEquals(await asks(lab.host, NEIGHBOUR), "curl 7");
  await host.stop();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

async function pings(lab: HostLab, address: string): Promise<boolean> {
  return (await lab.host.run(["ping", "-n", "-c", "1", "-W", "5", address])).code === 0;
}

hostE2e("--bypass leaves networks outside, of both families, also by file", SERVER, async (it) => {
  const { lab } = it;
  const judge = await open(it);
  await Deno.writeTextFile(`${lab.directory}/bypass`, `# comment\n2001:db8:10::/48\n`);
  const flags = ["--bypass", "203.0.113.0/24", "--bypass", `@${lab.directory}/bypass`];
  const host = await WholeHost.up(lab, ...REMOTE, ...flags);
  const { address, address6 } = lab.uplinks[0]!;
  assertEquals(await asks(lab.host, WEB), address);
  assertEquals(await asks(lab.host, WEB6), address6);
  assertEquals(await echoes(lab.host, WEB), true);
  assertEquals(await looksUp(lab.host, "web.test"), `NOERROR ${WEB}`);
  await host.stop();
  const outside = [toNetwork("203.0.113.0/24"), toNetwork("2001:db8:10::/48")];
  assertEquals(await judge.leaks([...TO_PROXY, ...outside]), []);
});

hostE2e(
  "--include takes those networks only, and leaves the resolver alone",
  SERVER,
  async (it) => {
    const { lab } = it;
    const judge = await open(it);
    const before = await snapshot(lab.host);
    const host = await WholeHost.up(lab, ...REMOTE, "--include", "203.0.113.0/24");
    assertEquals(await asks(lab.host, WEB), WEB);
    assertEquals(await judge.leaks(TO_PROXY), []);
    assertEquals(await asks(lab.host, WEB6), lab.uplinks[0]!.address6);
    assertEquals(await asksResolver(lab.host), WEB);
    assertEquals((await snapshot(lab.host)).resolvConf, before.resolvConf);
    await host.stop();
    await assertAsBefore(lab.host, before);
  },
);

hostE2e(
  "a failure on the way undoes everything, and names the step",
  "no server",
  async ({ lab }) => {
    await lab.openInternet();
    const before = await snapshot(lab.host);
    const judge = await UplinkJudge.watch(lab, lab.host, "uplink");
    const host = WholeHost.begin(lab, ...REMOTE, "--proxy-connect-timeout", "1s");
    const { code } = await host.process.ended;
    assertEquals(code, 1);
    assertMatch(host.process.log, /^error: .*(TCP|proxy)/m);
    assertEquals(await judge.leaks(TO_PROXY), []);
    await assertAsBefore(lab.host, before);
  },
);

hostE2e("--dry-run prints what would be done, and does nothing", SERVER, async (it) => {
  await open(it);
  const before = await snapshot(it.lab.host);
  const host = WholeHost.begin(it.lab, ...REMOTE, "--dry-run");
  assertEquals((await host.process.ended).code, 0);
  assertMatch(host.process.log, /ip (-4 )?rule add/);
  await assertAsBefore(it.lab.host, before);
});

hostE2e("--confirm undoes everything when nobody confirms", SERVER, async (it) => {
  await open(it);
  const before = await snapshot(it.lab.host);
  const host = await WholeHost.up(it.lab, ...REMOTE, "--confirm", "1s");
  assertEquals((await host.process.ended).code, 1);
  await assertAsBefore(it.lab.host, before);
  await assertDirect(it.lab);
});

hostE2e(
  "--detach returns when it is ready; status, down and cleanup find it",
  SERVER,
  async (it) => {
    const { lab } = it;
    const judge = await open(it);
    const before = await snapshot(lab.host);
    await mustZtun(lab, "up", ...REMOTE, "--detach");
    assertEquals(await asks(lab.host, WEB), WEB);
    const status = JSON.parse(await mustZtun(lab, "status", "--json"));
    assertEquals([status.command, status.state], ["up", "ready"]);
    await mustZtun(lab, "cleanup");
    assertEquals(await asks(lab.host, WEB6), WEB6, "cleanup leaves it alone");
    await mustZtun(lab, "down");
    assertEquals(await judge.leaks(TO_PROXY), []);
    await assertAsBefore(lab.host, before);
  },
);

hostE2e("numbers that somebody else has are not taken", SERVER, async (it) => {
  const { lab } = it;
  await open(it);
  const first = await WholeHost.up(lab, ...REMOTE);
  const taken = (await first.status()).capture!.table;
  await first.stop();
  await lab.host.ip(
    `route add 203.0.113.77 via 10.1.0.1 table ${taken}`,
    `rule add pref 32765 lookup ${taken}`,
  );
  const before = await snapshot(lab.host);
  const second = await WholeHost.up(lab, ...REMOTE);
  assert((await second.status()).capture!.table !== taken);
  await assertCarriesAll(lab);
  await second.stop();
  await assertAsBefore(lab.host, before);
});

hostE2e("a proxy with a name is looked for outside, and by nobody else", SERVER, async (it) => {
  const { lab } = it;
  const judge = await open(it);
  const host = await WholeHost.up(lab, "--socks", `proxy.test:${PORT}`);
  const names = [RESOLVER, RESOLVER6].map((resolver) => to("udp", resolver, 53));
  assertEquals(await judge.leaks([...TO_PROXY, ...names]), []);
  await judge.forget();
  await assertCarriesAll(lab);
  await host.stop();
  assertEquals(await judge.leaks(TO_PROXY), []);
});

hostE2e("--no-routes makes the device, and changes nothing else", SERVER, async (it) => {
  const { lab } = it;
  await open(it);
  const before = await snapshot(lab.host);
  const host = await WholeHost.up(lab, ...REMOTE, "--no-routes");
  const now = await snapshot(lab.host);
  assertEquals([now.rules, now.rules6, now.resolvConf], [
    before.rules,
    before.rules6,
    before.resolvConf,
  ]);
  assertEquals(await asks(lab.host, WEB), lab.uplinks[0]!.address);
  await lab.host.ip(`route add ${WEB} dev ztun0`);
  assertEquals(await asks(lab.host, WEB), WEB);
  await host.stop();
  await assertAsBefore(lab.host, before);
});
