import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../../../src/errors.ts";
import { installService, removeService } from "../../../../src/host/service/install.ts";
import { marked } from "../../../../src/host/service/unit_mark.ts";
import { SystemdHost } from "../../../support/systemd_host.ts";

const UNIT = "etc/systemd/system/ztun.service";
const one = await marked("[Service]\nExecStart=/one\n");
const two = await marked("[Service]\nExecStart=/two\n");

function install(host: SystemdHost, unit = one, start = true): Promise<void> {
  return installService(host, { name: "ztun", unit, start });
}

Deno.test("install writes the unit, enables it and starts it", async () => {
  using host = new SystemdHost();
  await install(host);
  assertEquals(host.read(UNIT), one);
  assertEquals(Deno.statSync(host.path(UNIT)).mode! & 0o777, 0o644);
  assertEquals(host.calls, [
    "systemctl daemon-reload",
    "systemctl enable ztun.service",
    "systemctl restart ztun.service",
  ]);
  assertEquals(host.log.lines.map((line) => line.slice(4)).slice(1), host.calls);
});

Deno.test("install without a start leaves it to the next boot", async () => {
  using host = new SystemdHost();
  await install(host, one, false);
  assertEquals(host.calls.at(-1), "systemctl enable ztun.service");
});

Deno.test("install again puts the new unit in the place of the old one", async () => {
  using host = new SystemdHost();
  await install(host);
  await install(host, two);
  assertEquals(host.read(UNIT), two);
  assertEquals(host.units, ["ztun.service"]);
});

Deno.test("remove stops the service, disables it, and takes the unit away", async () => {
  using host = new SystemdHost();
  await install(host);
  host.calls.length = 0;
  assertEquals(await removeService(host, "ztun"), true);
  assertEquals(host.units, []);
  assertEquals(host.calls, [
    "systemctl disable --now ztun.service",
    "systemctl daemon-reload",
  ]);
  assertEquals(await removeService(host, "ztun"), false);
  assertEquals(host.calls.length, 2);
});

Deno.test("a unit that somebody has altered is left alone, and so is the service", async () => {
  using host = new SystemdHost();
  const altered = one.replace("/one", "/other");
  host.write(UNIT, altered);
  for (const attempt of [() => removeService(host, "ztun"), () => install(host)]) {
    const error = await assertRejects(attempt, UserError, "altered");
    assertStringIncludes(error.hint!, "systemctl edit ztun");
  }
  assertEquals([host.read(UNIT), host.calls.length], [altered, 0]);
});

Deno.test("a unit of somebody else's making is left alone, a link and a mask too", async () => {
  for (const kind of ["file", "link", "mask"]) {
    using host = new SystemdHost();
    if (kind === "file") host.write(UNIT, "[Service]\nExecStart=/mine\n");
    else Deno.symlinkSync(kind === "link" ? "/opt/ztun.service" : "/dev/null", host.path(UNIT));
    await assertRejects(() => install(host), UserError, "not of ztun's making");
    await assertRejects(() => removeService(host, "ztun"), UserError, "not of ztun's making");
    assertEquals([host.units, host.calls], [["ztun.service"], []]);
  }
});

Deno.test("a service of the system's is not hidden by one of the same name", async () => {
  using host = new SystemdHost();
  host.write("usr/lib/systemd/system/ztun.service", "[Service]\n");
  await assertRejects(() => install(host), UserError, "another service of that name");
  assertEquals([host.units, host.calls], [[], []]);
});

Deno.test("where systemd does not run nothing is written", async () => {
  using host = new SystemdHost(false);
  await assertRejects(() => install(host), UserError, "not started by systemd");
  await assertRejects(() => removeService(host, "ztun"), UserError, "not started by systemd");
  assertEquals([host.units, host.calls], [[], []]);
});

Deno.test("a service that does not start is installed, and says where to look", async () => {
  using host = new SystemdHost();
  host.failing.add("restart");
  const error = await assertRejects(() => install(host), UserError, "has not started");
  assertEquals((error.cause as Error).message, "Cannot `systemctl restart ztun.service`");
  assertEquals(
    error.hint,
    "`journalctl -u ztun -n 20` says why; `sudo ztun service remove --name ztun` takes it away",
  );
  assertEquals(await removeService(host, "ztun"), true);
});

Deno.test("a step of systemctl's that fails is named, and remove can be said again", async () => {
  using host = new SystemdHost();
  await install(host);
  host.failing.add("disable");
  const error = await assertRejects(() => removeService(host, "ztun"), UserError, "disable --now");
  assertEquals((error.cause as Error).message, "Failed to disable unit");
  assertEquals(host.units, ["ztun.service"]);
  host.failing.clear();
  assertEquals(await removeService(host, "ztun"), true);
});
