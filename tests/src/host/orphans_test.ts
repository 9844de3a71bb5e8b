import { assertEquals, assertStringIncludes } from "@std/assert";
import { sysctlChange } from "../../../src/host/changes/sysctl_change.ts";
import { realDisk } from "../../../src/host/disk.ts";
import { findOrphans } from "../../../src/host/orphans.ts";
import { FakeHost } from "../../support/fake_host.ts";

const setting = (host: FakeHost, name: string) =>
  sysctlChange(realDisk, name, "2", host.path("sys"))!;

Deno.test("orphans: what died is found with what it left, and nothing is touched", async () => {
  using host = new FakeHost();
  await host.orphan([setting(host, "forward")], 99);
  await host.orphan([setting(host, "filter"), { kind: "teleport" }], 100);
  const before = host.snapshot();
  assertEquals(findOrphans(host.recoveryHost(["filter", "ztun_strict_ztun99"])), {
    found: [
      { pid: 100, device: "ztun100", changes: 2, killSwitch: false },
      { pid: 99, device: "ztun99", changes: 1, killSwitch: true },
    ],
    unreadable: [],
  });
  assertEquals([host.snapshot(), host.journalNames().length], [before, 2]);
});

Deno.test("orphans: a tunnel that lives is none, nor one that had changed nothing", async () => {
  using host = new FakeHost();
  assertEquals(findOrphans(host.recoveryHost()), { found: [], unreadable: [] });
  await host.orphan([setting(host, "forward")]);
  host.machine.alive.set(1234, "7");
  await host.orphan([], 99);
  Deno.writeTextFileSync(`${host.journals}/5-31.journal`, '{"version":1,"bo');
  assertEquals(findOrphans(host.recoveryHost()).found, []);
});

Deno.test("orphans: a journal that cannot be understood is told of", async () => {
  using host = new FakeHost();
  const path = await host.orphan([setting(host, "forward")]);
  Deno.writeTextFileSync(path, "what?\n");
  const { found, unreadable } = findOrphans(host.recoveryHost());
  assertEquals(found, []);
  assertStringIncludes(String(unreadable), `Cannot read the journal ${path}`);
});
