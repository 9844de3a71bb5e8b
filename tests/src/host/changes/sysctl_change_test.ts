import { assertEquals } from "@std/assert";
import {
  type SysctlChange,
  sysctlChange,
  sysctlKind,
} from "../../../../src/host/changes/sysctl_change.ts";
import { realDisk } from "../../../../src/host/disk.ts";
import { FakeHost } from "../../../support/fake_host.ts";
import { inNetNamespace } from "../../../support/net_namespace.ts";
import { rootTest } from "../../../support/root.ts";

Deno.test("sysctl: set, recognised, and set back", () => {
  using host = new FakeHost();
  const kind = sysctlKind(realDisk, host.path("sys"));
  const change = sysctlChange(realDisk, "forward", "1", host.path("sys"))!;
  assertEquals(change, { kind: "sysctl", path: "forward", before: "0", value: "1" });
  assertEquals(kind.state(change), "absent");
  void kind.apply(change);
  assertEquals([kind.state(change), host.read("sys/forward")], ["present", "1\n"]);
  void kind.undo(change);
  assertEquals([kind.state(change), host.read("sys/forward")], ["absent", "0\n"]);
  host.write("sys/forward", "7\n");
  assertEquals([kind.state(change), kind.difference(change)], ["altered", 'it is "7" now']);
  Deno.removeSync(host.path("sys/forward"));
  assertEquals(kind.state(change), "absent");
});

Deno.test("sysctl: what is so already is no change", () => {
  using host = new FakeHost();
  host.write("sys/forward", "4096\t131072\t6291456\n");
  const change = (value: string) => sysctlChange(realDisk, "forward", value, host.path("sys"));
  assertEquals(change("4096 131072 6291456"), undefined);
  assertEquals(change("1 2 3")?.before, "4096 131072 6291456");
});

Deno.test("sysctl: it is shown as the command that does the same", () => {
  const kind = sysctlKind(realDisk);
  const change: SysctlChange = {
    kind: "sysctl",
    path: "net/ipv4/conf/eth0.1/rp_filter",
    before: "1",
    value: "2",
  };
  assertEquals(kind.command(change), "sysctl --write net/ipv4/conf/eth0.1/rp_filter='2'");
  assertEquals(kind.undoCommand(change), "sysctl --write net/ipv4/conf/eth0.1/rp_filter='1'");
  assertEquals(kind.what(change), "set net/ipv4/conf/eth0.1/rp_filter to 2");
  assertEquals(kind.outlivesBoot(change), false);
});

rootTest("sysctl: the kernel takes it", () =>
  inNetNamespace(() => {
    const kind = sysctlKind(realDisk);
    const path = "net/ipv4/conf/lo/rp_filter";
    // Whatever a fresh namespace says, it does not say both of these.
    const change = sysctlChange(realDisk, path, "1") ?? sysctlChange(realDisk, path, "2")!;
    void kind.apply(change);
    assertEquals(kind.state(change), "present");
    void kind.undo(change);
    assertEquals(kind.state(change), "absent");
  }));
