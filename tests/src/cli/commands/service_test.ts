import { assertEquals, assertStringIncludes } from "@std/assert";
import { serviceCommand } from "../../../../src/cli/commands/service.ts";
import { run } from "../../../../src/cli/run.ts";
import { Exit } from "../../../../src/errors.ts";
import { SystemdHost } from "../../../support/systemd_host.ts";
import { FakeEnvironment, type FakeWorld } from "../fake_environment.ts";

const UNIT = "etc/systemd/system/ztun.service";
const files = { "ztun.json": '{"proxy": {"socks": "h:1"}}', "key": "hunter2\n" };

class RootEnvironment extends FakeEnvironment {
  override uid(): number {
    return 0;
  }
}

async function service(host: SystemdHost, args: string[], world: FakeWorld = {}, root = true) {
  const environment = new (root ? RootEnvironment : FakeEnvironment)({ files, ...world });
  const code = await run(["service", ...args], environment, [serviceCommand(host)]);
  return { code, out: environment.stdout, err: environment.stderr };
}

function execStart(unit: string): string | undefined {
  return /^ExecStart=(.*)$/m.exec(unit)?.[1];
}

Deno.test("service install, then remove, then there is none", async () => {
  using host = new SystemdHost();
  const installed = await service(host, ["install", "--socks=127.0.0.1:1080", "--mtu", "9000"]);
  assertEquals([installed.code, installed.out], [Exit.Ok, ""]);
  assertStringIncludes(installed.err, "/etc/systemd/system/ztun.service is written: it runs");
  const start = "/usr/bin/ztun up --socks=127.0.0.1:1080 --mtu=9000";
  assertEquals(execStart(host.read(UNIT)), start);
  const removed = await service(host, ["remove", "-q"]);
  assertEquals([removed.code, removed.out, removed.err], [Exit.Ok, "", ""]);
  assertEquals(host.units, []);
  const again = await service(host, ["remove"]);
  assertEquals(again.code, Exit.NotRunning);
  assertStringIncludes(again.err, "No service ztun is installed");
});

Deno.test("service show prints what install writes, and changes nothing", async () => {
  using host = new SystemdHost();
  const shown = await service(host, ["show", "--socks=h:1"], {}, false);
  assertEquals([shown.code, shown.err, host.units, host.calls], [Exit.Ok, "", [], []]);
  await service(host, ["install", "--socks=h:1"]);
  assertEquals(host.read(UNIT), shown.out);
});

Deno.test("service show works where systemd does not run", async () => {
  using host = new SystemdHost(false);
  assertEquals((await service(host, ["show", "--socks=h:1"], {}, false)).code, Exit.Ok);
  assertEquals((await service(host, ["install", "--socks=h:1"])).code, Exit.Failed);
});

Deno.test("service --name and --no-start", async () => {
  using host = new SystemdHost();
  const args = ["install", "--name=work-2", "--no-start", "--config=ztun.json"];
  assertEquals((await service(host, args)).code, Exit.Ok);
  assertEquals(host.units, ["work-2.service"]);
  assertEquals(host.calls.at(-1), "systemctl enable work-2.service");
  const unit = host.read("etc/systemd/system/work-2.service");
  assertEquals(execStart(unit), "/usr/bin/ztun up --config=/home/tester/ztun.json");
  assertEquals((await service(host, ["remove", "--name", "work-2"])).code, Exit.Ok);
  for (const name of ["", "a/b", "../x", "a@b", "a.timer", "-x", "ä"]) {
    assertEquals((await service(host, ["show", "--socks=h:1", `--name=${name}`])).code, Exit.Usage);
  }
});

Deno.test("service takes a configuration that a variable names", async () => {
  using host = new SystemdHost();
  const { out } = await service(host, ["show"], { variables: { ZTUN_CONFIG: "ztun.json" } });
  assertEquals(execStart(out), "/usr/bin/ztun up --config=/home/tester/ztun.json");
});

Deno.test("service install finds what up would find wrong, and writes nothing", async () => {
  using host = new SystemdHost();
  const wrong = [
    [],
    ["--socks=h:1", "--mtu=1"],
    ["--socks=h:1", "--detach-from-reality"],
    ["--socks=h:1", "--user=alice"],
    ["--socks=h:1", "--user=alice", "--password-file=missing"],
    ["--socks=h:1", "--tun-fd=5"],
    ["--config=missing.json"],
  ];
  for (const flags of wrong) {
    assertEquals((await service(host, ["install", ...flags])).code, Exit.Usage, flags.join(" "));
  }
  assertEquals([host.units, host.calls], [[], []]);
});

Deno.test("service lets no password into the unit", async () => {
  using host = new SystemdHost();
  const user = ["--socks=h:1", "--user=alice"];
  const variables = { ZTUN_PASSWORD: "hunter2" };
  const attempts = [
    await service(host, ["install", ...user], { variables }),
    await service(host, ["install", "--proxy=socks5://alice:hunter2@h:1"]),
    await service(host, ["install"], { variables: { ZTUN_PROXY: "socks5://alice:hunter2@h:1" } }),
  ];
  for (const { code, out, err } of attempts) {
    assertEquals([code, out, err.includes("hunter2")], [Exit.Usage, "", false]);
  }
  assertEquals(host.units, []);
  const { out } = await service(host, ["show", ...user, "--password-file=key"]);
  const start = "/usr/bin/ztun up --socks=h:1 --user=alice --password-file=/home/tester/key";
  assertEquals(execStart(out), start);
  assertEquals(out.includes("hunter2"), false);
});

Deno.test("service install and remove are for root", async () => {
  using host = new SystemdHost();
  for (const args of [["install", "--socks=h:1"], ["remove"]]) {
    assertEquals((await service(host, args, {}, false)).code, Exit.Permission);
  }
  assertEquals([host.units, host.calls], [[], []]);
});

Deno.test("service knows three actions, and remove no flags of up's", async () => {
  using host = new SystemdHost();
  for (const args of [[], ["start"], ["remove", "--socks=h:1"], ["show", "x"]]) {
    assertEquals((await service(host, args)).code, Exit.Usage, args.join(" "));
  }
});
