import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../../src/errors.ts";
import type { Change, ChangeKind, ChangeKinds } from "../../../src/host/change.ts";
import { fileChange } from "../../../src/host/changes/file_change.ts";
import { sysctlChange } from "../../../src/host/changes/sysctl_change.ts";
import { type Disk, realDisk } from "../../../src/host/disk.ts";
import { listJournals, readJournal } from "../../../src/host/journal.ts";
import { recoverJournals } from "../../../src/host/recover.ts";
import { Transaction } from "../../../src/host/transaction.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { Crash, diskWithMounts, MortalDisk, quickDisk } from "../../support/watched_disk.ts";

function begin(host: FakeHost, kinds: ChangeKinds = host.kinds(), disk = realDisk): Transaction {
  return new Transaction({ kinds, log: host.log, openJournal: () => host.openJournal(disk) });
}

const plain = (host: FakeHost, content: string) =>
  fileChange(realDisk, host.path("etc/plain"), content);
const forward = (host: FakeHost) => sysctlChange(realDisk, "forward", "1", host.path("sys"))!;
const filter = (host: FakeHost) => sysctlChange(realDisk, "filter", "2", host.path("sys"))!;

/** A kind that fails when it is made, after it has done its work. */
const failing: ChangeKind = {
  what: () => "do what cannot be done",
  command: () => "false",
  undoCommand: () => "true",
  apply: () => Promise.reject(new Error("it cannot be done")),
  state: () => "absent",
  difference: () => "",
  undo: () => {},
  outlivesBoot: () => false,
};

Deno.test("transaction: all is made in order, shown as commands, and undone backwards", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const transaction = begin(host);
  assertEquals(await transaction.apply([forward(host), plain(host, "ours\n")]), [1, 2]);
  assertEquals([host.read("sys/forward"), host.read("etc/plain")], ["1\n", "ours\n"]);
  const path = host.path("etc/plain");
  const shown = ["sysctl --write forward='1'", `printf '%s\\n' ours >${path}`];
  assertEquals(transaction.commands, shown);
  const { commands } = await transaction.undo();
  assertEquals(commands, [
    `printf '%s\\n' 'what was' 'there before, and is longer than what comes' >${path}`,
    "sysctl --write forward='0'",
  ]);
  assertEquals(host.log.lines, [...shown, ...commands].map((command) => `[#] ${command}`));
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});

Deno.test("transaction: without changes there is no journal, and undoing again does nothing", async () => {
  using host = new FakeHost();
  const transaction = begin(host);
  await transaction.apply([]);
  const nothing = { commands: [], altered: [], failed: [], kept: 0 };
  assertEquals(await transaction.undo(), nothing);
  assertEquals(await transaction.undo(), nothing);
  assertEquals(host.journalNames(), []);
  await assertRejects(() => transaction.apply([forward(host)]), Error, "transaction is over");
});

Deno.test("transaction: a dry run shows the commands and touches nothing", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const options = { kinds: host.kinds(), log: host.log, openJournal: undefined };
  const transaction = new Transaction(options);
  const ids = await transaction.apply([forward(host), plain(host, "ours\n")]);
  await transaction.replace(ids[1]!, plain(host, "other\n"));
  await transaction.withdraw(ids[0]!);
  await transaction.undo();
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
  assertEquals(host.log.lines.length, 3);
});

Deno.test("transaction: a step that fails is named, and what it came with is undone", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const transaction = begin(host, { ...host.kinds(), failing });
  await transaction.apply([forward(host)]);
  const error = await assertRejects(
    () => transaction.apply([filter(host), { kind: "failing" }, plain(host, "ours\n")]),
    UserError,
    "Cannot do what cannot be done",
  );
  assertEquals(error.hint, "See what `sudo sh -c false` says");
  assertEquals((error.cause as Error).message, "it cannot be done");
  // What was made by an earlier call lives on.
  assertEquals(host.snapshot(), { ...before, "sys/forward": host.snapshot()["sys/forward"]! });
  assertEquals(host.read("sys/forward"), "1\n");
  await transaction.undo();
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});

Deno.test("transaction: half of a step that failed is undone too", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const file = host.kinds()["file"]!;
  const half: ChangeKind = {
    ...file,
    apply(change) {
      void file.apply(change);
      throw new Error("then the light went out");
    },
  };
  const transaction = begin(host, { ...host.kinds(), file: half });
  await assertRejects(() => transaction.apply([plain(host, "ours\n")]), UserError);
  assertEquals(host.snapshot(), before);
  await transaction.undo();
});

Deno.test("transaction: what is there already is not taken over by kinds that cannot tell", async () => {
  using host = new FakeHost();
  const theirs = { ...failing, state: () => "present" as const, exclusive: true };
  const transaction = begin(host, { theirs });
  const change = { kind: "theirs" };
  const error = await assertRejects(() => transaction.apply([change]), UserError, "Cannot do");
  assert(error.hint?.includes("ztun cleanup"));
  assertEquals((await transaction.undo()).commands, []);
});

Deno.test("transaction: single changes come and go while it lives", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const transaction = begin(host);
  const [first] = await transaction.apply([forward(host)]);
  await transaction.apply([filter(host)]);
  assertEquals((await transaction.withdraw(first!)).commands, ["sysctl --write forward='0'"]);
  assertEquals((await transaction.withdraw(first!)).commands, []);
  assertEquals([host.read("sys/forward"), host.read("sys/filter")], ["0\n", "2\n"]);
  await transaction.undo();
  assertEquals(host.snapshot(), before);
});

Deno.test("transaction: what somebody else has put in place of ours is what comes back", async () => {
  using host = new FakeHost();
  const transaction = begin(host);
  const [id] = await transaction.apply([plain(host, "ours\n")]);
  host.write("etc/plain", "the router's\n");
  await transaction.replace(id!, plain(host, "ours again\n"));
  assertEquals(host.read("etc/plain"), "ours again\n");
  // Dying now would leave no claim to what is theirs.
  const [path] = listJournals(realDisk, host.machine, [host.journals]);
  assertEquals(readJournal(realDisk, path!).open.map(({ id }) => id), [2]);
  assertEquals((await transaction.undo()).altered, []);
  assertEquals(host.read("etc/plain"), "the router's\n");
});

Deno.test("transaction: what somebody has altered is left alone and said", async () => {
  using host = new FakeHost();
  const transaction = begin(host);
  await transaction.apply([forward(host), plain(host, "ours\n")]);
  host.write("sys/forward", "7\n");
  const { altered } = await transaction.undo();
  assertEquals(altered, ['Did not undo "set forward to 1": it is "7" now']);
  assertEquals(host.log.warnings, altered);
  assertEquals([host.read("sys/forward"), host.journalNames()], ["7\n", []]);
});

Deno.test("transaction: what cannot be undone stays in the journal", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const stubborn = {
    ...host.kinds()["file"]!,
    undo: () => Promise.reject(new Deno.errors.PermissionDenied("no")),
  };
  const transaction = begin(host, { ...host.kinds(), file: stubborn });
  await transaction.apply([plain(host, "ours\n"), forward(host)]);
  const { failed } = await transaction.undo();
  assertStringIncludes(String(failed[0]), `Cannot undo "write ${host.path("etc/plain")}"`);
  assertEquals(host.log.warnings, [`Cannot undo "write ${host.path("etc/plain")}": no`]);
  assertEquals([host.read("etc/plain"), host.read("sys/forward")], ["ours\n", "0\n"]);
  assertEquals(host.journalNames().length, 1);
  host.machine.alive.clear();
  await recoverJournals(host.recovery());
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});

Deno.test("transaction: an undo that is asked for during set-up waits for it, and finds it all", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const gate = Promise.withResolvers<void>();
  const slow = { ...failing, apply: () => gate.promise };
  const transaction = begin(host, { ...host.kinds(), slow });
  const applied = transaction.apply([forward(host), { kind: "slow" }, filter(host)]);
  const undone = transaction.undo();
  gate.resolve();
  assertEquals((await applied).length, 3);
  assertEquals((await undone).commands.length, 2);
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});

/** What a tunnel, or somebody else, does next. */
type Step =
  | { does: "sysctl"; which: number; value: number }
  | { does: "file"; which: number }
  | { does: "withdraw"; which: number }
  | { does: "foreign"; which: number };

const which = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant("sysctl" as const), which, value: fc.integer({ min: 2, max: 9 }) }),
  fc.record({ does: fc.constant("file" as const), which }),
  fc.record({ does: fc.constant("withdraw" as const), which }),
  fc.record({ does: fc.constant("foreign" as const), which }),
);
const FILES = ["etc/plain", "etc/bytes", "etc/link", "etc/mine.mounted", "etc/new"];
const SETTINGS = ["forward", "filter"];

/** Does the steps; tells `foreign` what somebody else has written, which is then what must stay. */
class Life {
  readonly #host: FakeHost;
  readonly #disk: Disk;
  readonly #transaction: Transaction;
  readonly #live: { id: number; path: string }[] = [];
  readonly foreign = new Set<string>();
  #count = 0;

  constructor(host: FakeHost, disk: Disk) {
    this.#host = host;
    this.#disk = disk;
    this.#transaction = begin(host, host.kinds(disk), disk);
  }

  async live(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#do(step);
    await this.#transaction.undo();
  }

  async #do(step: Step): Promise<void> {
    switch (step.does) {
      case "sysctl": {
        const name = SETTINGS[step.which % SETTINGS.length]!;
        const root = this.#host.path("sys");
        return await this.#make(sysctlChange(this.#disk, name, String(step.value), root), name);
      }
      case "file": {
        const name = FILES[step.which % FILES.length]!;
        return await this.#make(this.#file(name), name);
      }
      case "withdraw":
        return await this.#withdraw(step.which);
      case "foreign":
        return await this.#overwritten(step.which);
    }
  }

  #file(name: string): Change {
    const content = `ours ${this.#count++}\n`.repeat(1 + this.#count % 9);
    return fileChange(this.#disk, this.#host.path(name), content);
  }

  async #make(change: Change | undefined, path: string): Promise<void> {
    if (change === undefined) return;
    const [id] = await this.#transaction.apply([change]);
    this.#live.push({ id: id!, path });
  }

  /** Only the newest of a path: what lies under another change is not to be seen. */
  async #withdraw(which: number): Promise<void> {
    const newest = this.#live.filter(({ path }, at) => {
      return !this.#live.slice(at + 1).some((later) => later.path === path);
    });
    if (newest.length === 0) return;
    const { id } = newest[which % newest.length]!;
    this.#live.splice(this.#live.findIndex((one) => one.id === id), 1);
    await this.#transaction.withdraw(id);
  }

  async #overwritten(which: number): Promise<void> {
    const at = this.#live.findLastIndex(({ path }) => path === FILES[which % FILES.length]);
    if (at === -1 || this.#live[at]!.path.endsWith(".mounted")) return;
    const { id, path } = this.#live[at]!;
    realDisk.remove(this.#host.path(path));
    this.#host.write(path, `theirs ${this.#count++}\n`);
    this.foreign.add(path);
    this.#live[at] = { id: await this.#transaction.replace(id, this.#file(path)), path };
  }
}

Deno.test("transaction: whatever it does, dying anywhere and recovered from: as before", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.nat(150),
      fc.nat(60),
      async (steps, diesAt, recoveryDiesAt) => {
        using host = new FakeHost();
        const before = host.snapshot();
        const dying = new MortalDisk(diesAt, diskWithMounts(quickDisk));
        const life = new Life(host, dying.disk);
        await untilCrash(() => life.live(steps));
        dying.closeFiles();
        host.machine.alive.clear();
        const recovering = new MortalDisk(recoveryDiesAt, diskWithMounts(quickDisk));
        await untilCrash(() => recoverJournals(host.recovery(recovering.disk)));
        recovering.closeFiles();
        for (let again = 0; again < 2; again++) {
          const last = await recoverJournals(host.recovery(diskWithMounts(quickDisk)));
          assertEquals([last.unreadable, last.alive], [[], []]);
          const after = host.snapshot();
          for (const path of life.foreign) {
            assertStringIncludes(atob(after[path]!.split(" ").at(-1)!), "theirs");
            delete after[path];
          }
          const rest = Object.entries(before).filter(([path]) => !life.foreign.has(path));
          assertEquals([after, host.journalNames()], [Object.fromEntries(rest), []]);
        }
      },
    ),
    { numRuns: 300 },
  );
});

async function untilCrash(body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    for (let next: unknown = error; next instanceof Error; next = next.cause) {
      if (next instanceof Crash) return;
    }
    throw error;
  }
}

/** A kind of which others make the change, after it was written down. */
function recorded(undone: string[]): ChangeKind {
  return {
    ...failing,
    state: () => "present",
    undoCommand: () => "",
    undo: (change) => void undone.push((change as Change & { name: string }).name),
  };
}

const named = (name: string) => ({ kind: "recorded", name });

Deno.test("transaction: what others make is on disk before, and undone in its place", async () => {
  using host = new FakeHost();
  const undone: string[] = [];
  const kinds = { ...host.kinds(), recorded: recorded(undone) };
  const transaction = begin(host, kinds);
  transaction.record(named("first"));
  const [path] = listJournals(realDisk, host.machine, [host.journals]);
  assertEquals(readJournal(realDisk, path!).open.map(({ change }) => change), [named("first")]);
  await transaction.apply([forward(host)]);
  transaction.record(named("second"));
  await transaction.undo();
  assertEquals([undone, host.journalNames()], [["second", "first"], []]);
  assertThrows(() => transaction.record(named("late")), Error, "transaction is over");
});

Deno.test("transaction: what others made is undone by whoever comes after a crash", async () => {
  using host = new FakeHost();
  const undone: string[] = [];
  const kinds = { ...host.kinds(), recorded: recorded(undone) };
  begin(host, kinds).record(named("first"));
  host.machine.alive.clear();
  await recoverJournals({ ...host.recovery(), kinds });
  assertEquals([undone, host.journalNames()], [["first"], []]);
});

Deno.test("transaction: in a dry run nothing is written down", async () => {
  using host = new FakeHost();
  const kinds = { recorded: recorded([]) };
  const transaction = new Transaction({ kinds, log: host.log, openJournal: undefined });
  transaction.record(named("first"));
  await transaction.undo();
  assertEquals(host.journalNames(), []);
});

Deno.test("transaction: what is to stay does, with the journal, for whoever comes next", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const transaction = begin(host);
  await transaction.apply([forward(host), plain(host, "ours\n")]);
  const { kept, failed } = await transaction.undo(({ kind }) => kind === "sysctl");
  assertEquals([kept, failed], [1, []]);
  assertEquals(host.snapshot(), { ...before, "sys/forward": host.snapshot()["sys/forward"]! });
  assertEquals(host.read("sys/forward"), "1\n");
  host.machine.alive.clear();
  await recoverJournals(host.recovery());
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});
