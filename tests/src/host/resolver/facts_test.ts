import { assertEquals } from "@std/assert";
import { readFacts } from "../../../../src/host/resolver/facts.ts";
import { NMCLI, RESOLVECTL, ResolverHost } from "../../../support/resolver_host.ts";

Deno.test("facts: a host without anything", async () => {
  using host = new ResolverHost();
  assertEquals(await readFacts(host), {
    before: { type: "absent" },
    text: "",
    holder: undefined,
    resolved: false,
    networkManager: false,
    resolvconf: undefined,
    nmConfDirectory: false,
    upstreamTexts: ["", ""],
  });
});

Deno.test("facts: services are asked only where they have run, for asking may start them", async () => {
  using host = new ResolverHost("nameserver 192.0.2.1\n");
  host.program("resolvectl", RESOLVECTL);
  host.program("nmcli", NMCLI);
  const idle = await readFacts(host);
  assertEquals([idle.resolved, idle.networkManager, host.calls], [false, false, []]);
  host.mkdir("run/systemd/resolve");
  host.mkdir("run/NetworkManager/conf.d");
  const running = await readFacts(host);
  assertEquals([running.resolved, running.networkManager], [true, true]);
  assertEquals(running.nmConfDirectory, true);
  host.program("resolvectl", "exit 1");
  host.program("nmcli", "echo 'not running'");
  const stopped = await readFacts(host);
  assertEquals([stopped.resolved, stopped.networkManager], [false, false]);
});

Deno.test("facts: three programs have one name", async () => {
  using host = new ResolverHost("");
  const versions = {
    openresolv: "openresolv 3.12.0",
    debian: "Debian resolvconf 1.91",
    systemd: "systemd 252 (252.39)",
  };
  for (const [name, version] of Object.entries(versions)) {
    host.program("resolvconf", `[ "$*" = --version ] && echo '${version}'`);
    assertEquals((await readFacts(host)).resolvconf as string, name);
  }
  host.program("resolvconf", "exit 1");
  assertEquals((await readFacts(host)).resolvconf, undefined);
});

Deno.test("facts: a link, the text behind it, and the servers of those that put themselves in front", async () => {
  using host = new ResolverHost();
  host.mkdir("run/systemd/resolve");
  const stub = "nameserver 127.0.0.53\n";
  Deno.writeTextFileSync(`${host.root}/run/systemd/resolve/stub-resolv.conf`, stub);
  Deno.writeTextFileSync(`${host.root}/run/systemd/resolve/resolv.conf`, "nameserver 192.0.2.1\n");
  Deno.symlinkSync("../run/systemd/resolve/stub-resolv.conf", `${host.root}/etc/resolv.conf`);
  const facts = await readFacts(host);
  assertEquals(facts.before, { type: "link", target: "../run/systemd/resolve/stub-resolv.conf" });
  assertEquals([facts.text, facts.upstreamTexts[0]], [stub, "nameserver 192.0.2.1\n"]);
  Deno.removeSync(`${host.root}/run/systemd/resolve/stub-resolv.conf`);
  assertEquals((await readFacts(host)).text, "");
});

Deno.test("facts: a resolv.conf is held by another ztun as long as that lives", async () => {
  using host = new ResolverHost("# Written by ztun, process 99: …\nnameserver 198.18.0.2\n");
  assertEquals((await readFacts(host)).holder, undefined);
  host.machine.alive.set(99, "1");
  assertEquals((await readFacts(host)).holder, 99);
  host.machine.pid = 99;
  assertEquals((await readFacts(host)).holder, undefined);
});
