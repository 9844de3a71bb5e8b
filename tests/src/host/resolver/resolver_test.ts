import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../../../src/errors.ts";
import { nameservers } from "../../../../src/host/resolver/conf_text.ts";
import { rootTest } from "../../../support/root.ts";
import { NMCLI, RESOLVECTL, ResolverHost, SERVERS } from "../../../support/resolver_host.ts";

const OLD = "search lan.example\nnameserver 192.168.1.1\noptions edns0\n";

Deno.test("resolver, plain file: pointed into the tunnel, and put back", async () => {
  using host = new ResolverHost(OLD);
  const transaction = host.begin();
  const resolver = await host.point(transaction);
  assertEquals([resolver.plan.conf, resolver.upstreams], ["file", ["192.168.1.1"]]);
  assertEquals(nameservers(host.conf), SERVERS);
  assertStringIncludes(host.conf, "search lan.example\noptions edns0\n");
  assertEquals(await resolver.look(0), false);
  assertEquals((await transaction.undo()).altered, []);
  assertEquals(host.conf, OLD);
});

Deno.test("resolver, plain file: after a crash it is put back by whoever comes", async () => {
  using host = new ResolverHost(OLD);
  await host.point(host.begin());
  const { recovered } = await host.recover();
  assertEquals([host.conf, recovered[0]?.altered], [OLD, []]);
});

Deno.test("resolver: a DHCP client is noticed, and its newest word is what comes back", async () => {
  using host = new ResolverHost(OLD);
  const transaction = host.begin();
  const resolver = await host.point(transaction);
  for (let lease = 1; lease <= 3; lease++) {
    host.conf = `search net${lease}.example\nnameserver 10.0.0.${lease}\n`;
    assertEquals(await resolver.look(lease * 1000), true);
    assertEquals(nameservers(host.conf), SERVERS);
    assertStringIncludes(host.conf, `search net${lease}.example\n`);
    assertStringIncludes(host.conf, `# It was a file with 10.0.0.${lease}.`);
    assertEquals(await resolver.look(lease * 1000 + 999), false);
  }
  assertEquals([resolver.rewritten, host.log.warnings.length], [3, 1]);
  assertEquals((await transaction.undo()).altered, []);
  assertEquals(host.conf, "search net3.example\nnameserver 10.0.0.3\n");
});

Deno.test("resolver: a DHCP client, then a crash before anybody looked: its word stays", async () => {
  using host = new ResolverHost(OLD);
  await host.point(host.begin());
  host.conf = "nameserver 10.0.0.1\n";
  const { recovered } = await host.recover();
  assertEquals([host.conf, recovered[0]?.altered.length], ["nameserver 10.0.0.1\n", 1]);
});

Deno.test("resolver: who writes in a loop is answered once a second", async () => {
  using host = new ResolverHost(OLD);
  const resolver = await host.point(host.begin());
  let pointed = 0;
  for (let now = 0; now < 5000; now += 100) {
    host.conf = OLD;
    if (await resolver.look(now)) pointed += 1;
  }
  assertEquals(pointed, 5);
});

Deno.test("resolver: looking costs nothing while nothing happens, nor does our own text anew", async () => {
  using host = new ResolverHost(OLD);
  let reads = 0;
  const disk = host.disk;
  Object.assign(host, {
    disk: {
      ...disk,
      read: (path: string) => {
        reads += 1;
        return disk.read(path);
      },
    },
  });
  const resolver = await host.point(host.begin());
  await resolver.look(0);
  await resolver.look(2000);
  reads = 0;
  for (let now = 2000; now < 99_000; now += 1000) assertEquals(await resolver.look(now), false);
  assertEquals(reads, 0);
  host.conf = `${host.conf}`;
  assertEquals(await resolver.look(100_000), false);
  assertEquals([reads, resolver.rewritten], [1, 0]);
});

Deno.test("resolver: a writing that looks the same is noticed too, if it came right after ours", async () => {
  using host = new ResolverHost(OLD);
  const disk = host.disk;
  const look: typeof disk.look = (path) => {
    const facts = disk.look(path);
    return facts && { ...facts, signature: "one tick" };
  };
  Object.assign(host, { disk: { ...disk, look } });
  const resolver = await host.point(host.begin());
  assertEquals(await resolver.look(1000), false);
  host.conf = OLD;
  assertEquals(await resolver.look(3000), true);
});

Deno.test("resolver: a file that is removed, or made a link, is pointed again", async () => {
  using host = new ResolverHost(OLD);
  const transaction = host.begin();
  const resolver = await host.point(transaction);
  const path = `${host.root}/etc/resolv.conf`;
  Deno.removeSync(path);
  assertEquals(await resolver.look(1000), true);
  assertStringIncludes(host.conf, "# It was not there.");
  Deno.removeSync(path);
  Deno.writeTextFileSync(`${host.root}/run/other`, "nameserver 10.0.0.9\n");
  Deno.symlinkSync("../run/other", path);
  assertEquals(await resolver.look(2000), true);
  await transaction.undo();
  assertEquals(Deno.readLinkSync(path), "../run/other");
});

Deno.test("resolver: another ztun's file stays until it goes; then it is pointed here", async () => {
  using host = new ResolverHost(OLD);
  const first = host.begin();
  await host.point(first);
  const firsts = host.conf;
  host.machine.pid = 4712;
  host.machine.alive.set(4712, "200");
  const second = host.begin();
  const resolver = await host.point(second);
  assertEquals([resolver.plan.conf, host.conf], ["held", firsts]);
  assertEquals(await resolver.look(1000), false);
  await first.undo();
  assertEquals(host.conf, OLD);
  assertEquals(await resolver.look(2000), true);
  assertStringIncludes(host.conf, "process 4712");
  await second.undo();
  assertEquals(host.conf, OLD);
});

Deno.test("resolver, systemd-resolved: told for our device, reverted after (by a fake resolvectl)", async () => {
  using host = new ResolverHost("nameserver 127.0.0.53\n");
  host.program("resolvectl", RESOLVECTL);
  host.mkdir("run/systemd/resolve");
  const transaction = host.begin();
  const resolver = await host.point(transaction);
  const state = () => [...Deno.readDirSync(`${host.root}/state`)].map(({ name }) => name).sort();
  assertEquals(resolver.plan, {
    resolved: true,
    conf: "stub",
    reasons: ["systemd-resolved answers", "resolv.conf names systemd-resolved"],
  });
  assertEquals(state(), [
    ...["default-route.ztun0", "dns.ztun0", "dnsovertls.ztun0", "dnssec.ztun0", "domain.ztun0"],
  ]);
  assertEquals(host.conf, "nameserver 127.0.0.53\n");
  const { commands } = await transaction.undo();
  assertEquals([commands, state()], [["resolvectl revert ztun0"], []]);
});

Deno.test("resolver, systemd-resolved: once the device has gone there is nothing to revert", async () => {
  using host = new ResolverHost("nameserver 127.0.0.53\n");
  host.program("resolvectl", RESOLVECTL);
  host.mkdir("run/systemd/resolve");
  await host.point(host.begin());
  host.program("resolvectl", `echo "Failed to resolve interface \\"$2\\"" >&2; exit 1`);
  const { recovered } = await host.recover();
  assertEquals([recovered[0]?.commands, recovered[0]?.failed], [[], []]);
});

Deno.test("resolver, systemd-resolved: who takes resolv.conf from it is noticed", async () => {
  using host = new ResolverHost("nameserver 127.0.0.53\n");
  host.program("resolvectl", RESOLVECTL);
  host.mkdir("run/systemd/resolve");
  const transaction = host.begin();
  const resolver = await host.point(transaction);
  assertEquals(await resolver.look(0), false);
  host.conf = OLD;
  assertEquals(await resolver.look(1000), true);
  assertEquals(nameservers(host.conf), SERVERS);
  await transaction.undo();
  assertEquals(host.conf, OLD);
});

Deno.test("resolver, systemd-resolved: what it refuses is told, and nothing is left", async () => {
  using host = new ResolverHost(OLD);
  host.program("resolvectl", `case $1 in domain) echo "Link is managed" >&2; exit 1 ;; esac`);
  host.mkdir("run/systemd/resolve");
  const transaction = host.begin();
  const error = await assertRejects(() => host.point(transaction), UserError);
  assertEquals(error.message, 'Cannot set domain of "ztun0" in systemd-resolved');
  assertStringIncludes(String(error.cause), "Link is managed");
  assertEquals(host.conf, OLD);
  await transaction.undo();
});

Deno.test("resolver, NetworkManager: it leaves resolv.conf alone until the end (by a fake nmcli)", async () => {
  const conf = `# Generated by NetworkManager\n${OLD}`;
  using host = new ResolverHost(conf);
  host.program("nmcli", NMCLI);
  host.mkdir("run/NetworkManager");
  const transaction = host.begin();
  const resolver = await host.point(transaction);
  assertEquals(resolver.plan.conf, "network-manager");
  const setting = `${host.root}/run/NetworkManager/conf.d/zz-ztun.conf`;
  assertStringIncludes(Deno.readTextFileSync(setting), "[main]\nrc-manager=unmanaged\n");
  assertEquals(nameservers(host.conf), SERVERS);
  assertEquals(host.calls.at(-1), "nmcli general reload conf");
  host.calls.length = 0;
  await transaction.undo();
  assertEquals(host.calls.at(-1), "nmcli general reload conf");
  assertEquals([host.conf, [...Deno.readDirSync(`${host.root}/run/NetworkManager`)]], [conf, []]);
});

Deno.test("resolver, NetworkManager: one that has ended meanwhile needs no reload", async () => {
  using host = new ResolverHost(`# Generated by NetworkManager\n${OLD}`);
  host.program("nmcli", NMCLI);
  host.mkdir("run/NetworkManager");
  await host.point(host.begin());
  host.program("nmcli", "exit 8");
  assertEquals((await host.recover()).recovered[0]?.failed, []);
});

const PROGRAM = new URL("../../../support/resolver_program.ts", import.meta.url).pathname;
const DENO = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock", "--quiet", PROGRAM];

/** What the program prints that runs with /etc and /run of its own, after the shell has furnished them. */
function onOwnHost(furnish: string, flags: readonly string[], meanwhile = ""): unknown {
  using directory = new ResolverHost(OLD);
  const { root } = directory;
  const program = [...DENO, `${root}/journals`].join(" ");
  const script = [
    ...[`mount --bind ${root}/etc /etc`, "mount -t tmpfs tmpfs /run", furnish],
    ...flags.slice(0, -1).map((flag) => `! ${program} ${flag} 2>/dev/null`),
    `exec ${program} ${flags.at(-1)}`,
  ].join("\n");
  const { success, stdout, stderr } = new Deno.Command("unshare", {
    args: ["--mount", "sh", "-ec", script],
    env: { MEANWHILE: meanwhile },
  }).outputSync();
  // Some shells say there that a program was killed.
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const DHCP = "nameserver 10.0.0.1\n";
const PLAIN = "";
const LINK = "mv /etc/resolv.conf /run/resolv.conf; ln -s ../run/resolv.conf /etc/resolv.conf";
const MOUNT = "cp /etc/resolv.conf /run/theirs; mount --bind /run/theirs /etc/resolv.conf";

rootTest("resolver: a real /etc, with a file, a link, and a mount as in a container", () => {
  for (const furnish of [PLAIN, LINK, MOUNT]) {
    const seen = onOwnHost(furnish, [""], `printf '${DHCP}' >/etc/resolv.conf`) as {
      way: string;
      upstreams: string[];
      pointed: string;
      again: string;
      after: string;
      altered: string[];
      failed: unknown[];
    };
    assertEquals([seen.way, seen.upstreams], ["file", ["192.168.1.1"]]);
    assertEquals([seen.pointed, seen.again].map(nameservers), [SERVERS, SERVERS]);
    assertEquals([seen.after, seen.altered, seen.failed], [DHCP, [], []], furnish);
  }
});

rootTest("resolver: a real /etc, SIGKILL, and another process puts it back", () => {
  for (const furnish of [PLAIN, LINK, MOUNT]) {
    const { conf, recovered } = onOwnHost(furnish, ["--die", "--recover"]) as {
      conf: string;
      recovered: { altered: string[]; failed: unknown[] }[];
    };
    assertEquals(conf, OLD, furnish);
    assertEquals(recovered.map(({ altered, failed }) => [altered, failed]), [[[], []]]);
  }
});
