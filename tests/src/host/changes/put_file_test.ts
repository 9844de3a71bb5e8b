import { assertEquals, assertThrows } from "@std/assert";
import { isHalfOverwritten, putFile, putLink } from "../../../../src/host/changes/put_file.ts";
import { type Disk, realDisk } from "../../../../src/host/disk.ts";
import { FakeHost } from "../../../support/fake_host.ts";
import { watchedDisk } from "../../../support/watched_disk.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const NOBODY = { mode: 0o644, uid: undefined, gid: undefined };

Deno.test("a file is whole and on disk before it has its name", () => {
  using host = new FakeHost();
  const names: string[] = [];
  const disk = watchedDisk((name) => names.push(name));
  putFile(disk, host.path("etc/plain"), bytes("new"), NOBODY);
  assertEquals(names, [
    ...["open", "write", "truncate", "sync", "setMode", "rename", "open", "sync"],
  ]);
});

Deno.test("a link is put in the place of whatever was there, and of what a crash has left", () => {
  using host = new FakeHost();
  host.write("etc/plain.ztun-new", "left by a crash");
  putLink(realDisk, host.path("etc/plain"), "somewhere");
  assertEquals(Deno.readLinkSync(host.path("etc/plain")), "somewhere");
  assertEquals(realDisk.look(host.path("etc/plain.ztun-new")), undefined);
});

Deno.test("a file may be writable where its directory is not", () => {
  for (const code of ["EROFS", "EACCES", "EPERM"]) {
    using host = new FakeHost();
    const disk: Disk = {
      ...realDisk,
      open(path, options) {
        if (!path.endsWith(".ztun-new")) return realDisk.open(path, options);
        throw Object.assign(new Error(code), { code });
      },
    };
    putFile(disk, host.path("etc/plain"), bytes("new"), NOBODY);
    assertEquals(host.read("etc/plain"), "new");
    // Nothing to overwrite: the reason is told.
    assertThrows(() => putFile(disk, host.path("etc/none"), bytes("new"), NOBODY), Error, code);
  }
});

Deno.test("a part of the one and the rest of the other is half an overwriting", () => {
  const half = (now: string, written: string, before: string) =>
    isHalfOverwritten(bytes(now), bytes(written), bytes(before));
  assertEquals(half("newer", "new", "older"), true);
  assertEquals(half("ne", "new", "ol"), true);
  assertEquals(half("nlder", "new", "older"), true);
  assertEquals(half("nexer", "new", "older"), false);
  assertEquals(half("", "new", "older"), false);
});
