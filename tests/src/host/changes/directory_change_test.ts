import { assertEquals } from "@std/assert";
import {
  type DirectoryChange,
  directoryChanges,
  directoryKind,
} from "../../../../src/host/changes/directory_change.ts";
import { realDisk } from "../../../../src/host/disk.ts";
import { FakeHost } from "../../../support/fake_host.ts";

const kind = directoryKind(realDisk);

Deno.test("directory: what is missing of a path is made, and goes again", () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const changes = directoryChanges(realDisk, host.path("etc/a/b"));
  assertEquals(changes.map(({ path }) => path), [host.path("etc/a"), host.path("etc/a/b")]);
  for (const change of changes) void kind.apply(change);
  assertEquals(directoryChanges(realDisk, host.path("etc/a/b")), []);
  for (const change of changes.toReversed()) {
    assertEquals(kind.state(change), "present");
    void kind.undo(change);
    assertEquals(kind.state(change), "absent");
  }
  assertEquals(host.snapshot(), before);
});

Deno.test("directory: one that somebody else uses stays", () => {
  using host = new FakeHost();
  const change: DirectoryChange = { kind: "directory", path: host.path("etc/a") };
  void kind.apply(change);
  host.write("etc/a/theirs", "");
  assertEquals(kind.state(change), "altered");
  assertEquals(kind.difference(change), "somebody has put theirs there since");
  assertEquals([kind.command(change), kind.undoCommand(change)], [
    `mkdir ${change.path}`,
    `rmdir ${change.path}`,
  ]);
});
