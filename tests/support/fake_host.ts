/** A host that consists of a temporary directory: files, settings below `sys`, and a journal directory. */

import { basicKinds } from "../../src/host/changes/kinds.ts";
import type { Change, ChangeKinds } from "../../src/host/change.ts";
import { type Disk, realDisk } from "../../src/host/disk.ts";
import { Journal } from "../../src/host/journal.ts";
import type { Machine } from "../../src/host/machine.ts";
import type { RecoverOptions } from "../../src/host/recover.ts";
import type { RecoveryHost } from "../../src/host/recovery_host.ts";

/** What `/proc` says, made up. */
export class FakeMachine implements Machine {
  pid = 4711;
  uid = Deno.uid();
  boot = "first";
  clock = Date.UTC(2026, 0, 31);
  /** Process ids and their start times. */
  readonly alive = new Map<number, string>([[4711, "100"]]);

  now = () => this.clock++;
  here = "net:[1]";
  readonly networks = new Set(["net:[1]"]);
  bootId = () => this.boot;
  network = () => this.here;
  networkLives = (network: string) => this.networks.has(network);
  startTime = (pid: number) => this.alive.get(pid);
}

/** A logger that keeps what it is told. */
export class KeptLog {
  readonly lines: string[] = [];
  readonly warnings: string[] = [];

  debug = (line: string) => void this.lines.push(line);
  warn = (line: string) => void this.warnings.push(line);
}

export class FakeHost implements Disposable {
  readonly root: string;
  readonly machine = new FakeMachine();
  readonly log = new KeptLog();

  /** The host in `root`; a new one without, or where nothing is yet. */
  constructor(root = Deno.makeTempDirSync({ prefix: "ztun-host-" })) {
    this.root = root;
    if ([...Deno.readDirSync(root)].length === 0) this.#furnish(root);
  }

  #furnish(root: string): void {
    Deno.mkdirSync(`${root}/etc`);
    Deno.mkdirSync(`${root}/sys`);
    this.write("etc/plain", "what was\nthere before, and is longer than what comes\n");
    this.write("etc/bytes", Uint8Array.from([0xff, 0, 0xfe, 10]));
    Deno.chmodSync(`${root}/etc/bytes`, 0o640);
    this.write("etc/mine.mounted", "a mount\nof its own, with a long text that is cut off\n");
    Deno.symlinkSync("../etc/plain", `${root}/etc/link`);
    this.write("sys/forward", "0\n");
    this.write("sys/filter", "1\n");
  }

  get journals(): string {
    return `${this.root}/journals`;
  }

  path(name: string): string {
    return `${this.root}/${name}`;
  }

  read(name: string): string {
    return Deno.readTextFileSync(this.path(name));
  }

  /** A journal that is soon written anew. */
  openJournal(disk: Disk = realDisk, machine: Machine = this.machine): Journal {
    return Journal.create(disk, machine, [this.journals], "ztun0", 700);
  }

  write(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(this.path(name), bytes);
  }

  kinds(disk: Disk = realDisk): ChangeKinds {
    return basicKinds({ disk, run: noProgram, sysctls: `${this.root}/sys` });
  }

  /** For `recoverJournals`, as somebody else than the process that made the changes. */
  recovery(disk: Disk = realDisk): RecoverOptions {
    const { machine, log } = this;
    return { disk, machine, directories: [this.journals], kinds: this.kinds(disk), log };
  }

  /** For the commands that recover: a host without a firewall. */
  recoveryHost(tables: readonly string[] = []): RecoveryHost {
    const { log: _, ...host } = this.recovery();
    return { ...host, tables: () => [...tables] };
  }

  /** Makes the changes of a tunnel that then dies without a word; gives the path of its journal. */
  async orphan(changes: readonly Change[], pid = 1234): Promise<string> {
    this.machine.alive.set(pid, "7");
    const machine = { ...this.machine, pid };
    const journal = Journal.create(realDisk, machine, [this.journals], `ztun${pid}`);
    for (const change of changes) {
      journal.begin(change);
      await this.kinds()[change.kind]?.apply(change);
    }
    journal.close();
    this.machine.alive.delete(pid);
    return journal.path;
  }

  /** Every file with all that can be told about it, and no journal. */
  snapshot(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const folder of ["etc", "sys"]) collect(`${this.root}/${folder}`, folder, found);
    return found;
  }

  journalNames(): string[] {
    try {
      return [...Deno.readDirSync(this.journals)].map(({ name }) => name);
    } catch {
      return [];
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

const noProgram = () => Promise.resolve({ code: 127, stdout: "", stderr: "no programs here" });

function collect(path: string, name: string, found: Record<string, string>): void {
  for (const entry of Deno.readDirSync(path)) {
    const at = `${path}/${entry.name}`;
    const as = `${name}/${entry.name}`;
    const { mode, uid, gid } = Deno.lstatSync(at);
    const facts = `${((mode ?? 0) & 0o7777).toString(8)} ${uid} ${gid}`;
    if (entry.isSymlink) found[as] = `link ${Deno.readLinkSync(at)}`;
    else if (entry.isFile) found[as] = `${facts} ${Deno.readFileSync(at).toBase64()}`;
    else {
      found[as] = `${facts} directory`;
      collect(at, as, found);
    }
  }
}
