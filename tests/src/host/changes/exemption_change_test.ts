import { assertEquals } from "@std/assert";
import { exemptionKinds } from "../../../../src/host/changes/exemption_change.ts";
import type { ExemptionChange } from "../../../../src/host/owner/changes.ts";
import { Transaction } from "../../../../src/host/transaction.ts";
import { FakeHost } from "../../../support/fake_host.ts";
import { rootTest } from "../../../support/root.ts";
import { TestCgroup } from "../../../support/test_cgroup.ts";

const MARK = 4713;
const CHANGES: readonly ExemptionChange[] = [
  { kind: "cgroup", mount: "/m", path: "/p", home: "/" },
  { kind: "cgroup-mark", mount: "/m", path: "/p", mark: MARK },
  { kind: "cgroup-move", mount: "/m", path: "/p", mark: MARK, moved: [] },
  { kind: "socket-marks", mark: MARK, sockets: [] },
];

Deno.test("exemption: each change has words for it, and no command", () => {
  const kinds = exemptionKinds();
  assertEquals(CHANGES.map((change) => kinds[change.kind]!.what(change)), [
    "make a cgroup for the proxy",
    "mark what is sent from the proxy's cgroup",
    "move the proxy to its cgroup",
    "mark the proxy's sockets",
  ]);
  for (const change of CHANGES) {
    const kind = kinds[change.kind]!;
    assertEquals([kind.command(change), kind.undoCommand(change)], ["", ""]);
    assertEquals([kind.state(change), kind.outlivesBoot(change)], ["present", false]);
  }
});

Deno.test("exemption: what went away by itself is undone without a word", async () => {
  using host = new FakeHost();
  const transaction = new Transaction({
    kinds: exemptionKinds(),
    log: host.log,
    openJournal: () => host.openJournal(),
  });
  const gone = host.path("no-cgroups");
  for (const change of CHANGES) transaction.record({ ...change, mount: gone } as ExemptionChange);
  assertEquals((await transaction.undo()).failed, []);
  assertEquals([host.log.lines, host.log.warnings, host.journalNames()], [[], [], []]);
});

rootTest("exemption: a cgroup of the tunnel's own goes, from a journal too", async () => {
  using host = new FakeHost();
  await using home = new TestCgroup();
  const path = home.child("proxy");
  const transaction = new Transaction({
    kinds: exemptionKinds(),
    log: host.log,
    openJournal: () => host.openJournal(),
  });
  const { mount } = home;
  transaction.record({ kind: "cgroup", mount, path, home: home.path } as ExemptionChange);
  await transaction.undo();
  assertEquals(await Deno.stat(home.mount + path).catch(() => "gone"), "gone");
});
