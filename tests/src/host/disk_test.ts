import { assertEquals, assertNotEquals } from "@std/assert";
import { parentOf, realDisk } from "../../../src/host/disk.ts";

Deno.test("disk: what is looked at is the path itself, and every writing shows", () => {
  const root = Deno.makeTempDirSync();
  const path = `${root}/file`;
  Deno.writeTextFileSync(path, "one", { mode: 0o640 });
  Deno.symlinkSync(path, `${root}/link`);
  const facts = realDisk.look(path)!;
  assertEquals([facts.type, facts.mode], ["file", 0o640]);
  assertEquals(realDisk.look(path)!.signature, facts.signature);
  assertEquals(realDisk.look(`${root}/link`)!.type, "link");
  assertEquals(realDisk.look(root)!.type, "directory");
  assertEquals(realDisk.look("/dev/null")!.type, "other");
  assertEquals(realDisk.look(`${root}/none`), undefined);
  // Another file with the same length, and perhaps in the same tick of the clock.
  Deno.writeTextFileSync(`${root}/new`, "two");
  Deno.renameSync(`${root}/new`, path);
  assertNotEquals(realDisk.look(path)!.signature, facts.signature);
  Deno.removeSync(root, { recursive: true });
});

Deno.test("disk: the directory of a path", () => {
  assertEquals(["/a/b/c", "/a"].map(parentOf), ["/a/b", "/"]);
});
