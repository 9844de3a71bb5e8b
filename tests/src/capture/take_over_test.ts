import { assertEquals, assertRejects } from "@std/assert";
import { dropOldSwitches, undoLeftovers } from "../../../src/capture/take_over.ts";
import { markTable, strictTable } from "../../../src/capture/tables.ts";
import { UserError } from "../../../src/errors.ts";
import type { ChangeKind } from "../../../src/host/change.ts";
import type { TableChange } from "../../../src/host/changes/table_change.ts";
import { sysctlChange } from "../../../src/host/changes/sysctl_change.ts";
import { realDisk } from "../../../src/host/disk.ts";
import type { RecoveryHost } from "../../../src/host/recovery_host.ts";
import { FakeHost } from "../../support/fake_host.ts";

const table = (name: string): TableChange => ({ kind: "table", name });

/** A host with a firewall, and what tunnels have left there. */
class Rig implements Disposable {
  readonly host = new FakeHost();
  readonly tables = new Set<string>(["filter"]);
  /** They cannot be taken away. */
  stuck = false;

  get recovery(): RecoveryHost {
    const kind: ChangeKind<TableChange> = {
      what: ({ name }) => `make the firewall table "${name}"`,
      command: () => "",
      undoCommand: ({ name }) => `nft delete table inet ${name}`,
      apply: ({ name }) => void this.tables.add(name),
      state: ({ name }) => this.tables.has(name) ? "present" : "absent",
      difference: () => "",
      undo: ({ name }) => {
        if (this.stuck) throw new Error("it is busy");
        this.tables.delete(name);
      },
      outlivesBoot: () => false,
    };
    const host = this.host.recoveryHost();
    return { ...host, kinds: { ...host.kinds, table: kind as ChangeKind } };
  }

  /** A tunnel that died, with both of its tables and a setting of the kernel. */
  async dead(device: string, pid: number): Promise<void> {
    const forward = sysctlChange(realDisk, "forward", "1", this.host.path("sys"));
    const tables = [table(markTable(device)), table(strictTable(device))];
    await this.host.orphan([...forward === undefined ? [] : [forward], ...tables], pid);
    for (const { name } of tables) this.tables.add(name);
  }

  get there(): string[] {
    return [...this.tables].toSorted();
  }

  undoLeftovers(strict: boolean): Promise<boolean> {
    return undoLeftovers(this.recovery, strict, this.host.log);
  }

  dropOldSwitches(...ours: string[]): Promise<void> {
    return dropOldSwitches(this.recovery, new Set(ours), this.host.log);
  }

  [Symbol.dispose](): void {
    this.host[Symbol.dispose]();
  }
}

Deno.test("take over: all that dead tunnels have left goes, and nobody else's", async () => {
  using rig = new Rig();
  await rig.dead("ztun0", 11);
  assertEquals(await rig.undoLeftovers(false), false);
  assertEquals([rig.there, rig.host.read("sys/forward")], [["filter"], "0\n"]);
  assertEquals(rig.host.journalNames(), []);
});

Deno.test("take over: with a kill switch to come the old ones stay until it is there", async () => {
  using rig = new Rig();
  await rig.dead("ztun0", 11);
  await rig.dead("ztun1", 12);
  assertEquals(await rig.undoLeftovers(true), true);
  // With what knows the connections that came in: the kill switch lets their answers out.
  const switches = [markTable, strictTable].flatMap((of) => [of("ztun0"), of("ztun1")]);
  assertEquals([rig.there, rig.host.read("sys/forward")], [["filter", ...switches], "0\n"]);
  assertEquals(rig.host.journalNames().length, 2);
  // The new one has the name of an old one: it is not taken away with that.
  await rig.dropOldSwitches(strictTable("ztun0"));
  assertEquals(rig.there, ["filter", strictTable("ztun0")]);
  assertEquals(rig.host.journalNames(), []);
});

Deno.test("take over: a tunnel that lives is let be", async () => {
  using rig = new Rig();
  await rig.dead("ztun0", 11);
  rig.host.machine.alive.set(11, "7");
  const before = rig.there;
  await rig.undoLeftovers(false);
  await rig.dropOldSwitches();
  assertEquals(rig.there, before);
});

Deno.test("take over: what cannot be undone keeps a new tunnel from starting", async () => {
  using rig = new Rig();
  await rig.dead("ztun0", 11);
  rig.stuck = true;
  await assertRejects(() => rig.undoLeftovers(false), UserError, "Cannot undo all that tunnels");
  assertEquals(rig.host.journalNames().length, 1);
});

Deno.test("take over: an old kill switch that cannot go is told of; the new one works", async () => {
  using rig = new Rig();
  await rig.dead("ztun0", 11);
  await rig.undoLeftovers(true);
  rig.stuck = true;
  await rig.dropOldSwitches(strictTable("ztun1"));
  assertEquals(rig.host.log.warnings.at(-1), "Cannot undo all that tunnels have left on this host");
  assertEquals(rig.host.journalNames().length, 1);
});
