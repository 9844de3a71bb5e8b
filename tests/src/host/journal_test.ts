import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/errors.ts";
import { type Disk, realDisk } from "../../../src/host/disk.ts";
import {
  Journal,
  journalDirectories,
  listJournals,
  pidOf,
  readJournal,
} from "../../../src/host/journal.ts";
import { FakeMachine } from "../../support/fake_host.ts";
import { watchedDisk } from "../../support/watched_disk.ts";

class Place implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "ztun-journal-" });
  readonly directory = `${this.root}/journals`;
  readonly machine = new FakeMachine();

  create(disk: Disk = realDisk): Journal {
    return Journal.create(disk, this.machine, [this.directory], "ztun0");
  }

  list(...others: string[]): string[] {
    return listJournals(realDisk, this.machine, [...others, this.directory]);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

const change = (name: string) => ({ kind: "sysctl", path: name, before: "0", value: "1" });

Deno.test("journal: what may be there is what was begun and not settled", () => {
  using place = new Place();
  const journal = place.create();
  const ids = ["a", "b", "c", "d"].map((name) => journal.begin(change(name)));
  journal.settle(ids[1]!, "undone");
  journal.settle(ids[2]!, "left");
  journal.close();
  const { header, open, ended, nextId } = readJournal(realDisk, journal.path);
  assertEquals(open, [{ id: 1, change: change("a") }, { id: 4, change: change("d") }]);
  assertEquals([ended, nextId], [false, 5]);
  assertEquals(header, {
    boot: "first",
    network: "net:[1]",
    pid: 4711,
    started: "100",
    device: "ztun0",
    when: "2026-01-31T00:00:00.000Z",
  });
});

Deno.test("journal: nobody else may look into it, and it goes at the end", () => {
  using place = new Place();
  const journal = place.create();
  assertEquals(realDisk.look(place.directory)!.mode, 0o700);
  assertEquals(realDisk.look(journal.path)!.mode, 0o600);
  assertEquals(place.list(`${place.root}/none`), [journal.path]);
  assertEquals(pidOf(journal.path), 4711);
  journal.end();
  assertEquals(place.list(), []);
});

Deno.test("journal: a line is on disk before the call returns, and the file's name is too", () => {
  using place = new Place();
  const names: string[] = [];
  const disk = watchedDisk((name, [what]) => {
    names.push(name === "open" ? `open ${String(what).slice(place.root.length)}` : name);
  });
  const journal = place.create(disk);
  const [, ...opened] = names.splice(0);
  assertEquals(opened, [
    ...["open ", "sync"],
    ...["open /journals/1769817600000-4711.journal", "write", "sync"],
    ...["open /journals", "sync"],
  ]);
  journal.begin(change("a"));
  assertEquals(names.splice(0), ["write", "sync"]);
  journal.settle(1, "undone");
  assertEquals(names.splice(0), ["write", "sync"]);
  journal.end();
  assertEquals(names, ["write", "sync", "remove", "open /journals", "sync"]);
});

Deno.test("journal: cut off anywhere, it says what the whole lines say", () => {
  using place = new Place();
  const journal = place.create();
  const lengths = [0, Deno.statSync(journal.path).size];
  const opens = [0, 0];
  const does: (() => unknown)[] = [
    () => journal.begin(change("ä")),
    () => journal.begin(change("b")),
    () => journal.settle(2, "undone"),
    () => journal.begin(change("c")),
  ];
  does.forEach((does, index) => {
    does();
    lengths.push(Deno.statSync(journal.path).size);
    opens.push([1, 2, 1, 2][index]!);
  });
  journal.close();
  const bytes = Deno.readFileSync(journal.path);
  for (let length = 0; length <= bytes.length; length++) {
    Deno.writeFileSync(journal.path, bytes.subarray(0, length));
    const whole = lengths.findLastIndex((end) => end <= length);
    const content = readJournal(realDisk, journal.path);
    assertEquals([content.open.length, content.length], [opens[whole], lengths[whole]]);
    assertEquals(content.header === undefined, whole === 0);
    const file = realDisk.open(journal.path, { read: true, append: true });
    const next = Journal.continue(realDisk, journal.path, file, content);
    if (whole > 0) {
      next.begin(change("next"));
      assertEquals(readJournal(realDisk, journal.path).open.at(-1)?.change, change("next"));
    }
    next.close();
  }
});

Deno.test("journal: a line that could not be written whole is taken back", () => {
  using place = new Place();
  let full = false;
  const journal = place.create({
    ...realDisk,
    write(file, bytes) {
      if (!full) return realDisk.write(file, bytes);
      realDisk.write(file, bytes.subarray(0, 10));
      throw new Error("No space left on device");
    },
  });
  journal.begin(change("a"));
  full = true;
  assertThrows(() => journal.begin(change("b")), Error, "No space left");
  full = false;
  assertEquals(journal.begin(change("c")), 2);
  journal.close();
  assertEquals(readJournal(realDisk, journal.path).open.map(({ id }) => id), [1, 2]);
});

Deno.test("journal: a long one is written anew, with what is open", () => {
  using place = new Place();
  const { machine, directory } = place;
  const journal = Journal.create(realDisk, machine, [directory], "ztun0", 2000);
  const kept = journal.begin(change("kept"));
  let longest = 0;
  for (let round = 0; round < 500; round++) {
    journal.settle(journal.begin(change(`${round}`)), "undone");
    longest = Math.max(longest, Deno.statSync(journal.path).size);
  }
  assert(longest < 2200, `${longest} bytes`);
  const { header, open } = readJournal(realDisk, journal.path);
  assertEquals([header?.device, open], ["ztun0", [{ id: kept, change: change("kept") }]]);
  assertEquals(place.list(), [journal.path]);
  // What is open alone is longer: it may grow.
  for (let name = 0; name < 50; name++) journal.begin(change(`${name}`));
  journal.settle(kept, "undone");
  assertEquals(readJournal(realDisk, journal.path).open.length, 50);
  journal.end();
  assertEquals([...Deno.readDirSync(directory)], []);
});

Deno.test("journal: what others may have written is none", () => {
  using place = new Place();
  const journal = place.create();
  journal.close();
  assertEquals(place.list().length, 1);
  Deno.chmodSync(place.directory, 0o770);
  assertEquals(place.list(), []);
  assertThrows(() => place.create(), UserError, "Cannot use the directory");
  Deno.chmodSync(place.directory, 0o700);
  Object.assign(place.machine, { uid: 12345 });
  assertEquals(place.list(), []);
});

Deno.test("journal: what is not understood is said, with the place", () => {
  using place = new Place();
  const journal = place.create();
  journal.begin(change("a"));
  journal.close();
  const text = Deno.readTextFileSync(journal.path);
  const cases: [string, string][] = [
    [text.replace('"version":1', '"version":9'), "its version is 9"],
    [text.replace('"version":1,', ""), "its version is undefined"],
    [text.replace('"pid":4711,', ""), "it names no process"],
    [`${text}nonsense\n{"undone":1}\n`, "line 3 is no JSON object"],
    [`${text}{"do":2}\n`, "line 3 says nothing that this version knows"],
    [`${text}{"do":2,"change":{}}\n`, "line 3 says nothing that this version knows"],
  ];
  for (const [broken, why] of cases) {
    Deno.writeTextFileSync(journal.path, broken);
    const error = assertThrows(() => readJournal(realDisk, journal.path), UserError, why);
    assert(error.hint?.includes(`cat ${journal.path}`));
  }
});

Deno.test("journal: root's is where a loss of power does not reach, if that can be written", () => {
  using place = new Place();
  assertEquals(journalDirectories(0, "/run/user/0"), ["/var/lib/ztun", "/run/ztun"]);
  assertEquals(journalDirectories(1000, "/run/user/1000"), ["/run/user/1000/ztun"]);
  assertEquals(journalDirectories(1000, undefined), ["/tmp/ztun-1000"]);
  const { directory, machine, root } = place;
  const journal = Journal.create(realDisk, machine, [`${root}/none/ztun`, directory], "ztun0");
  assertEquals(journal.path.startsWith(directory), true);
  journal.close();
  assertThrows(
    () => Journal.create(realDisk, machine, [`${root}/none/ztun`], "ztun0"),
    UserError,
    `Cannot use the directory ${root}/none/ztun for the journal`,
  );
});
