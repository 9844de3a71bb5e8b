/** On a whole host that is made for it: what is said there is also done there. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { nameservers } from "../../../src/host/resolver/conf_text.ts";
import { FAR_PROXY, HostLab } from "../../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../../support/host_snapshot.ts";
import { rootTest } from "../../support/root.ts";
import { ztun } from "../../support/ztun.ts";

const FAR = `${FAR_PROXY}:1080`;

rootTest("dry run: nothing is changed, and whatever it says does the same", async () => {
  await using lab = await HostLab.create();
  const { host } = lab;
  const before = await snapshot(host);
  const say = (...flags: string[]) => host.must(ztun("up", "--socks", FAR, "--dry-run", ...flags));
  const said = await say("--strict");
  await assertAsBefore(host, before);
  assertStringIncludes(said, "ip tuntap add dev ztun0 mode tun\n");
  await host.must(["sh", "-e"], { input: said });
  const way = (...more: string[]) => host.must(["ip", "route", "get", "192.0.2.99", ...more]);
  assertStringIncludes(await way(), "dev ztun0");
  assertStringIncludes(await way("mark", "0x7a74"), "dev uplink");
  const tables = await host.must(["nft", "list", "tables"]);
  assert(tables.includes("ztun_mark_ztun0") && tables.includes("ztun_strict_ztun0"), tables);
  const conf = await Deno.readTextFile(host.outside("/etc/resolv.conf"));
  assertEquals(nameservers(conf).length, 2);
  assertStringIncludes(conf, "ztun0");
  // The next one is called otherwise, and takes other places.
  const next = await say();
  assertStringIncludes(next, "ip tuntap add dev ztun1 mode tun\n");
});

rootTest("dry run: without routes there is the device alone", async () => {
  await using lab = await HostLab.create();
  const command = ztun("up", "--socks", FAR, "--dry-run", "--no-routes", "--tun", "some0");
  const lines = (await lab.host.must(command)).trim().split("\n");
  assertEquals(lines[0], "ip tuntap add dev some0 mode tun");
  assert(lines.every((line) => line.includes("some0")), lines.join("\n"));
});

rootTest("dry run: a proxy on this host is told of, and how it would stay outside", async () => {
  await using lab = await HostLab.create();
  const { host } = lab;
  const before = await snapshot(host);
  const command = ztun("up", "--socks", "127.0.0.1:1080", "--dry-run");
  assertStringIncludes(await host.must(command), "# Nobody listens at 127.0.0.1:1080\n");
  await assertAsBefore(host, before);
});
