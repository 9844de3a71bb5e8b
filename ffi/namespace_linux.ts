/**
 * What a process does to itself inside fresh namespaces: mounts of its own, powers given up, and
 * becoming another program.
 *
 * The namespaces themselves are made by `unshare` of util-linux, before Deno starts: a process with
 * several threads, as every Deno process is, may not enter a user namespace.
 */

import { check, cString, errno, libc } from "./libc.ts";
import { Memory } from "./memory.ts";

const MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;
const MNT_DETACH = 2;
const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;
const SIG_SETMASK = 2;
const SIGPIPE = 13;
const SIG_DFL = 0n;

/** Keeps every later mount within this mount namespace. */
export function makeMountsPrivate(): void {
  const flags = MS_REC | MS_PRIVATE;
  check("mount --make-rprivate /", libc().mount(cString("none"), cString("/"), null, flags, null));
}

/** Shows `source`, a file or a directory, at `target`. */
export function bindMount(source: string, target: string): void {
  check(
    `mount --bind ${source} ${target}`,
    libc().mount(cString(source), cString(target), null, MS_BIND, null),
  );
}

/** Covers the directory `target` with an empty file system in memory. */
export function mountTmpfs(target: string): void {
  const type = cString("tmpfs");
  const options = cString("mode=0755,size=1m");
  check(
    `mount -t tmpfs tmpfs ${target}`,
    libc().mount(type, cString(target), type, MS_NOSUID_NODEV_NOEXEC, options),
  );
}

/** Uncovers `target`; what was bound from it elsewhere stays. */
export function detachMount(target: string): void {
  check(`umount --lazy ${target}`, libc().umount2(cString(target), MNT_DETACH));
}

/**
 * Programs that this process becomes get the user's ordinary powers, not those over the namespace.
 * Capabilities outlive execve for an ordinary user only while inheritable, and ambient ones are.
 */
export function dropInheritedCapabilities(): void {
  const header = new Uint32Array(32);
  header[0] = LINUX_CAPABILITY_VERSION_3;
  const data = new Uint32Array(32);
  const [headerBytes, dataBytes] = [new Uint8Array(header.buffer), new Uint8Array(data.buffer)];
  check("capget", libc().capget(headerBytes, dataBytes));
  // Effective, permitted, inheritable: 32 bits each, twice.
  data[2] = 0;
  data[5] = 0;
  check("capset", libc().capset(headerBytes, dataBytes));
}

/**
 * Becomes `command` (found as a shell finds it), with the environment, working directory and standard
 * streams as they are. Returns only when that fails, with the number of the error.
 *
 * Other threads end with the old program. SIGPIPE and the signal mask go back to what programs expect:
 * the runtime ignores SIGPIPE for itself, and ignoring is inherited.
 */
export function replaceProcess(command: readonly string[]): number {
  const texts = command.map((text) => new TextEncoder().encode(text));
  const pointersSize = (texts.length + 1) * 8;
  const memory = new Memory(texts.reduce((size, text) => size + text.length + 1, pointersSize));
  const pointers = new Uint32Array(memory.bytes.buffer, 0, pointersSize / 4);
  let at = pointersSize;
  texts.forEach((text, index) => {
    memory.bytes.set(text, at);
    memory.writeAddress(pointers, index * 2, at);
    at += text.length + 1;
  });
  libc().signal(SIGPIPE, SIG_DFL);
  libc().pthread_sigmask(SIG_SETMASK, new Uint8Array(128), null);
  libc().execvp(memory.bytes.subarray(pointersSize), memory.bytes);
  const code = errno();
  memory.free();
  return code;
}
