/**
 * The file system as host changes use it: about one system call per function, so that a test can stop a
 * process between any two of them.
 */

export interface FileFacts {
  readonly type: "file" | "link" | "directory" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Changes whenever somebody writes the file or puts another in its place. */
  readonly signature: string;
}

export interface Disk {
  /** What is at `path` itself, links not followed; undefined when nothing is. */
  look(path: string): FileFacts | undefined;
  read(path: string): Uint8Array;
  readLink(path: string): string;
  list(path: string): string[];
  open(path: string, options: Deno.OpenOptions): Deno.FsFile;
  write(file: Deno.FsFile, bytes: Uint8Array): void;
  truncate(file: Deno.FsFile, length: number): void;
  sync(file: Deno.FsFile): void;
  setMode(path: string, mode: number): void;
  setOwner(path: string, uid: number, gid: number): void;
  rename(from: string, to: string): void;
  makeLink(target: string, path: string): void;
  makeDirectory(path: string, mode: number): void;
  remove(path: string): void;
}

export const realDisk: Disk = {
  look,
  read: (path) => Deno.readFileSync(path),
  readLink: (path) => Deno.readLinkSync(path),
  list: (path) => [...Deno.readDirSync(path)].map(({ name }) => name),
  open: (path, options) => Deno.openSync(path, options),
  write,
  truncate: (file, length) => file.truncateSync(length),
  sync: (file) => file.syncSync(),
  setMode: (path, mode) => Deno.chmodSync(path, mode),
  setOwner: (path, uid, gid) => Deno.chownSync(path, uid, gid),
  rename: (from, to) => Deno.renameSync(from, to),
  makeLink: (target, path) => Deno.symlinkSync(target, path),
  makeDirectory: (path, mode) => Deno.mkdirSync(path, { mode }),
  remove: (path) => Deno.removeSync(path),
};

function look(path: string): FileFacts | undefined {
  try {
    const info = Deno.lstatSync(path);
    return {
      type: typeOf(info),
      mode: info.mode! & 0o7777,
      uid: info.uid!,
      gid: info.gid!,
      signature: [info.dev, info.ino, info.size, info.mtime?.getTime(), info.ctime?.getTime()]
        .join(" "),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function typeOf(info: Deno.FileInfo): FileFacts["type"] {
  if (info.isFile) return "file";
  if (info.isSymlink) return "link";
  return info.isDirectory ? "directory" : "other";
}

function write(file: Deno.FsFile, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += file.writeSync(bytes.subarray(at));
}

/** Makes what was created, renamed or removed in the directory outlast a loss of power. */
export function syncDirectory(disk: Disk, path: string): void {
  const directory = disk.open(path, { read: true });
  try {
    disk.sync(directory);
  } finally {
    directory.close();
  }
}

/** The directory that holds `path`, which is absolute. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
