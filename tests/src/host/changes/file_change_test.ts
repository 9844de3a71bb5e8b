import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type FileChange, fileChange, fileKind } from "../../../../src/host/changes/file_change.ts";
import { realDisk } from "../../../../src/host/disk.ts";
import { FakeHost } from "../../../support/fake_host.ts";
import { diskWithMounts } from "../../../support/watched_disk.ts";
import { rootTest } from "../../../support/root.ts";

const kind = fileKind(diskWithMounts());
const OURS = 'line one\n# it\'s "ours"\n';
const NAMES = ["etc/plain", "etc/bytes", "etc/link", "etc/new", "etc/mine.mounted"];

const change = (host: FakeHost, name: string): FileChange =>
  fileChange(realDisk, host.path(name), OURS);

Deno.test("file: whatever was there comes back, to the byte", () => {
  for (const name of NAMES) {
    using host = new FakeHost();
    const before = host.snapshot();
    // As the journal keeps it.
    const made = JSON.parse(JSON.stringify(change(host, name))) as FileChange;
    assertEquals(kind.state(made), "absent");
    void kind.apply(made);
    assertEquals([kind.state(made), host.read(name)], ["present", OURS]);
    assertEquals(Deno.lstatSync(host.path(name)).isSymlink, false);
    void kind.undo(made);
    assertEquals([kind.state(made), host.snapshot()], ["absent", before], name);
  }
});

Deno.test("file: the mode stays what it was", () => {
  using host = new FakeHost();
  void kind.apply(change(host, "etc/bytes"));
  void kind.apply(change(host, "etc/new"));
  const modes = ["etc/bytes", "etc/new"].map((name) => realDisk.look(host.path(name))?.mode);
  assertEquals(modes, [0o640, 0o644]);
});

rootTest("file: the owner stays who it was", () => {
  using host = new FakeHost();
  Deno.chownSync(host.path("etc/bytes"), 12, 34);
  const before = host.snapshot();
  const made = change(host, "etc/bytes");
  void kind.apply(made);
  const facts = realDisk.look(made.path)!;
  assertEquals([facts.uid, facts.gid], [12, 34]);
  void kind.undo(made);
  assertEquals(host.snapshot(), before);
});

Deno.test("file: another file is put in its place, but what is a mount is written where it is", () => {
  using host = new FakeHost();
  const inode = (name: string) => Deno.lstatSync(host.path(name)).ino;
  const names = ["etc/plain", "etc/mine.mounted"];
  const before = names.map(inode);
  for (const name of names) void kind.apply(change(host, name));
  assertEquals(names.map(inode).map((ino, index) => ino === before[index]), [false, true]);
  assertEquals([...Deno.readDirSync(host.path("etc"))].length, 4);
});

Deno.test("file: what somebody else has put there is told", () => {
  const cases: [(path: string) => void, string][] = [
    [(path) => Deno.removeSync(path), "somebody has removed the file since"],
    [(path) => {
      Deno.removeSync(path);
      Deno.symlinkSync("../run/x", path);
    }, "somebody has made it a link to ../run/x since"],
    [(path) => {
      Deno.removeSync(path);
      Deno.mkdirSync(path);
    }, "somebody has put something else than a file there since"],
    [
      (path) => Deno.writeTextFileSync(path, OURS.replace("ours", "mine")),
      'somebody has written the file since, line 2 is "# it\'s \\"mine\\""',
    ],
    [
      (path) => Deno.writeTextFileSync(path, "line one"),
      "somebody has written the file since, it is shorter",
    ],
  ];
  for (const [alter, difference] of cases) {
    using host = new FakeHost();
    const made = change(host, "etc/plain");
    void kind.apply(made);
    alter(made.path);
    assertEquals([kind.state(made), kind.difference(made)], ["altered", difference]);
  }
});

Deno.test("file: an overwriting that broke off anywhere is still ours", () => {
  using host = new FakeHost();
  const made = change(host, "etc/mine.mounted");
  const [ours, theirs] = [OURS, host.read("etc/mine.mounted")];
  for (const [written, before] of [[ours, theirs], [theirs, ours]] as const) {
    for (let at = 1; at <= written.length; at++) {
      host.write("etc/mine.mounted", written.slice(0, at) + before.slice(at));
      const expected = at === theirs.length && written === theirs ? "absent" : "present";
      assertEquals(kind.state(made), expected, `${at}`);
    }
  }
  host.write("etc/mine.mounted", `${ours.slice(0, 5)}x${theirs.slice(6)}`);
  assertEquals(kind.state(made), "altered");
});

Deno.test("file: the commands do the same by hand", () => {
  for (const name of ["etc/plain", "etc/link", "etc/new"]) {
    using host = new FakeHost();
    const before = host.snapshot();
    const made = change(host, name);
    void kind.apply(made);
    const after = host.snapshot();
    void kind.undo(made);
    shell(kind.command(made));
    assertEquals(host.snapshot(), after, kind.command(made));
    shell(kind.undoCommand(made));
    assertEquals(host.snapshot(), before, kind.undoCommand(made));
  }
});

function shell(command: string): void {
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", command] }).outputSync();
  assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
}

Deno.test("file: what cannot be written is not written at all", () => {
  using host = new FakeHost();
  assertThrows(() => fileChange(realDisk, host.path("etc"), ""), TypeError, "it is no file");
  const made = change(host, "none/file");
  assertThrows(() => void kind.apply(made), Deno.errors.NotFound);
  assertEquals(kind.state(made), "absent");
  const full = fileKind({
    ...realDisk,
    write() {
      throw new Error("No space left on device");
    },
  });
  const before = host.snapshot();
  assertThrows(() => void full.apply(change(host, "etc/plain")), Error, "No space left");
  assertEquals(host.snapshot(), before);
});

Deno.test("file: a change says what it is about", () => {
  using host = new FakeHost();
  const made = change(host, "etc/plain");
  assertEquals(kind.what(made), `write ${made.path}`);
  assertEquals(kind.outlivesBoot(made), true);
  assertStringIncludes(kind.command(made), "'# it'\\''s \"ours\"'");
});

/** A private mount namespace with a file bound over itself, as a container has its resolv.conf. */
const BIND = 'mount --bind "$0" "$0" && exec "$@"';

rootTest("file: a real mount is written in place, and put back", () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const path = host.path("etc/plain");
  const program = new URL("../../../support/in_place_program.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock", "--quiet", program, path];
  const { success, stdout, stderr } = new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", BIND, path, ...deno],
  }).outputSync();
  assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
  assertEquals(new TextDecoder().decode(stdout), "same file, present, absent\n");
  assertEquals(host.snapshot(), before);
});
