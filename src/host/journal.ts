/**
 * What a tunnel has changed on the host, on disk before it is changed.
 *
 * One file per tunnel, one line of JSON per event:
 *
 *   {"version":1,"boot":"…","network":"net:[…]","pid":4711,"started":"90210","device":"ztun0","when":"…"}
 *   {"do":1,"change":{…}}        about to be made: perhaps it was, perhaps not
 *   {"undone":1}                 is no more
 *   {"left":1}                   not ours any more: somebody altered it, or another change took its place
 *   {"end":true}                 nothing is left to do; the file goes
 *
 * A file that has grown long (a network that changes for weeks) is written anew with what is open, and
 * renamed over the old one.
 *
 * Every line is on disk before what follows it happens. A crash may tear the last line: what it was about
 * has then not happened. Whoever reads on after a crash takes the torn end off first.
 */

import { UserError } from "../errors.ts";
import type { Change } from "./change.ts";
import { type Disk, parentOf, syncDirectory } from "./disk.ts";
import type { Machine } from "./machine.ts";

const VERSION = 1;
const SUFFIX = ".journal";
/** Of the file that is to be renamed over a journal. */
export const FRESH = ".new";
const LINE_FEED = 10;
/** A change is some 200 bytes, that of resolv.conf 1 KiB. */
const COMPACT_AT = 256 << 10;

export interface JournalHeader {
  readonly boot: string;
  /** The network namespace that was changed. */
  readonly network: string;
  readonly pid: number;
  /** Tells the process from a later one with the same id. */
  readonly started: string;
  readonly device: string;
  readonly when: string;
}

export interface JournalEntry {
  readonly id: number;
  readonly change: Change;
}

export interface JournalContent {
  /** Undefined when the crash came before the first line: nothing was changed. */
  readonly header: JournalHeader | undefined;
  /** What may be there still, oldest first. */
  readonly open: readonly JournalEntry[];
  readonly ended: boolean;
  readonly nextId: number;
  /** Bytes of whole lines. */
  readonly length: number;
}

export class Journal {
  readonly path: string;
  readonly #disk: Disk;
  /** The first line. */
  readonly #head: unknown;
  readonly #open: Map<number, Change>;
  #file: Deno.FsFile;
  #length: number;
  #nextId: number;
  #compactAt: number;

  private constructor(
    disk: Disk,
    path: string,
    file: Deno.FsFile,
    head: unknown,
    { length, nextId, open }: Pick<JournalContent, "length" | "nextId" | "open">,
    compactAt: number,
  ) {
    this.path = path;
    this.#disk = disk;
    this.#head = head;
    this.#open = new Map(open.map(({ id, change }) => [id, change]));
    this.#file = file;
    this.#length = length;
    this.#nextId = nextId;
    this.#compactAt = compactAt;
  }

  /**
   * The journal of this process, for changes that belong to `device`, in the first of the directories
   * that is there or can be made.
   */
  static create(
    disk: Disk,
    machine: Machine,
    directories: readonly string[],
    device: string,
    compactAt = COMPACT_AT,
  ): Journal {
    const directory = usableDirectory(disk, machine, directories);
    // Sorted by name is sorted by time; the process can be told before there is a first line.
    const when = machine.now();
    const path = `${directory}/${when}-${machine.pid}${SUFFIX}`;
    const file = disk.open(path, { createNew: true, append: true, read: true, mode: 0o600 });
    const head = {
      version: VERSION,
      boot: machine.bootId(),
      network: machine.network(),
      pid: machine.pid,
      started: machine.startTime(machine.pid) ?? "",
      device,
      when: new Date(when).toISOString(),
    };
    const empty = { length: 0, nextId: 1, open: [] };
    const journal = new Journal(disk, path, file, head, empty, compactAt);
    journal.#append(head);
    syncDirectory(disk, directory);
    return journal;
  }

  /** Another's, to end it; `file` is open for appending, and stays the same one: it may be locked. */
  static continue(disk: Disk, path: string, file: Deno.FsFile, content: JournalContent): Journal {
    disk.truncate(file, content.length);
    return new Journal(disk, path, file, content.header, content, Infinity);
  }

  /** To be called before the change is made. Gives the change its number. */
  begin(change: Change): number {
    const id = this.#nextId;
    this.#append({ do: id, change });
    this.#open.set(id, change);
    this.#nextId += 1;
    return id;
  }

  settle(id: number, how: "undone" | "left"): void {
    this.#append({ [how]: id });
    this.#open.delete(id);
    if (this.#length >= this.#compactAt) this.#compact();
  }

  /** Nothing is left to do: the file goes. */
  end(): void {
    this.#append({ end: true });
    this.close();
    this.#disk.remove(this.path);
    syncDirectory(this.#disk, parentOf(this.path));
  }

  /** The file stays, for whoever tries again. */
  close(): void {
    this.#file.close();
  }

  #compact(): void {
    const disk = this.#disk;
    const fresh = `${this.path}${FRESH}`;
    const lines = [this.#head, ...[...this.#open].map(([id, change]) => ({ do: id, change }))];
    const bytes = encode(...lines);
    const file = disk.open(fresh, { create: true, truncate: true, write: true, mode: 0o600 });
    disk.write(file, bytes);
    disk.sync(file);
    disk.rename(fresh, this.path);
    syncDirectory(disk, parentOf(this.path));
    this.#file.close();
    this.#file = file;
    this.#length = bytes.length;
    this.#compactAt = Math.max(this.#compactAt, bytes.length * 2);
  }

  #append(line: unknown): void {
    const bytes = encode(line);
    try {
      this.#disk.write(this.#file, bytes);
      this.#disk.sync(this.#file);
    } catch (error) {
      // Half a line, as on a full disk, must not be in the middle of the file when the next one comes.
      this.#disk.truncate(this.#file, this.#length);
      throw error;
    }
    this.#length += bytes.length;
  }
}

function encode(...lines: unknown[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** The first of them that is there or can be made, and that nobody else may write to. */
export function usableDirectory(
  disk: Disk,
  machine: Machine,
  directories: readonly string[],
): string {
  let cause: unknown;
  for (const directory of directories) {
    try {
      if (disk.look(directory) === undefined) {
        disk.makeDirectory(directory, 0o700);
        syncDirectory(disk, parentOf(directory));
      }
      if (isOwn(disk, machine, directory)) return directory;
      cause ??= new Error("It is there, and others may write to it");
    } catch (error) {
      cause ??= error;
    }
  }
  throw new UserError(`Cannot use the directory ${directories[0]} for the journal`, { cause });
}

/** What a journal says will be done: nobody else may have written it. */
function isOwn(disk: Disk, machine: Machine, directory: string): boolean {
  const facts = disk.look(directory);
  return facts?.type === "directory" && facts.uid === machine.uid && (facts.mode & 0o022) === 0;
}

/** The journals that are there, newest first: the order to undo them in. */
export function listJournals(
  disk: Disk,
  machine: Machine,
  directories: readonly string[],
): string[] {
  return directories
    .filter((directory) => isOwn(disk, machine, directory))
    .flatMap((directory) => disk.list(directory).map((name) => `${directory}/${name}`))
    .filter((path) => path.endsWith(SUFFIX))
    .sort((a, b) => timeOf(b) - timeOf(a));
}

function timeOf(path: string): number {
  return Number(/([0-9]+)-[0-9]+\.journal$/.exec(path)?.[1] ?? 0);
}

/**
 * Where journals are, the best place first. Root's is on a disk: /run is emptied by the loss of power
 * after which resolv.conf is to be put back. /run is for hosts on which nothing else can be written.
 */
export function journalDirectories(uid: number | null, runtime: string | undefined): string[] {
  if (uid === 0) return ["/var/lib/ztun", "/run/ztun"];
  return [runtime === undefined ? `/tmp/ztun-${uid}` : `${runtime}/ztun`];
}

/** The process that a journal's name names. */
export function pidOf(path: string): number {
  return Number(/-([0-9]+)\.journal$/.exec(path)?.[1] ?? 0);
}

/** What a journal says; throws when it cannot be understood, rather than leave out a change. */
export function readJournal(disk: Disk, path: string): JournalContent {
  const bytes = disk.read(path);
  const length = bytes.lastIndexOf(LINE_FEED) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, length)).split("\n").slice(0, -1);
  const [first, ...rest] = lines.map((line, index) => parseLine(path, line, index + 1));
  const open = new Map<number, Change>();
  let ended = false;
  let nextId = 1;
  rest.forEach((event, index) => {
    if (isChange(event)) {
      open.set(event.do, event.change);
      nextId = event.do + 1;
    } else if (typeof event["undone"] === "number") open.delete(event["undone"]);
    else if (typeof event["left"] === "number") open.delete(event["left"]);
    else if (event["end"] === true) ended = true;
    else throw unreadable(path, `line ${index + 2} says nothing that this version knows`);
  });
  return {
    header: first === undefined ? undefined : parseHeader(path, first),
    open: [...open].map(([id, change]) => ({ id, change })),
    ended,
    nextId,
    length,
  };
}

type Line = Record<string, unknown>;

function parseLine(path: string, line: string, number: number): Line {
  try {
    const value = JSON.parse(line) as unknown;
    if (typeof value === "object" && value !== null) return value as Line;
  } catch {
    // Told below, with the place.
  }
  throw unreadable(path, `line ${number} is no JSON object`);
}

function parseHeader(path: string, line: Line): JournalHeader {
  const { version, boot, network, pid, started, device, when } = line;
  if (version !== VERSION) throw unreadable(path, `its version is ${JSON.stringify(version)}`);
  if (typeof pid !== "number") throw unreadable(path, "it names no process");
  return {
    pid,
    boot: String(boot),
    network: String(network),
    started: String(started),
    device: String(device),
    when: String(when),
  };
}

function isChange(line: Line): line is Line & { do: number; change: Change } {
  const { do: id, change } = line;
  return typeof id === "number" && typeof change === "object" && change !== null &&
    typeof (change as { kind?: unknown }).kind === "string";
}

function unreadable(path: string, why: string): UserError {
  return new UserError(`Cannot read the journal ${path}: ${why}`, {
    hint:
      `Run \`ztun cleanup\` of the version that wrote it; \`cat ${path}\` shows what it changed`,
  });
}
