/**
 * Control groups, version 2, as the firewall knows them: by the number of their directory and how deep
 * it lies.
 *
 * A socket keeps the group that it was made in. One whose process is moved later stays where it was.
 */

export interface Cgroup {
  /** Below the root of the hierarchy, without a slash in front: "system.slice/ssh.service". */
  readonly path: string;
  /** The number of names in the path. */
  readonly level: number;
  /** The number of the directory, which is the kernel's own for the group. */
  readonly id: number;
}

/** Where the hierarchy is mounted, by the text of /proc/self/mounts: undefined when it is nowhere. */
export function cgroupMount(mounts: string): string | undefined {
  for (const line of mounts.split("\n")) {
    const [, where, type] = line.split(" ");
    if (type === "cgroup2") return where!.replace(/\\([0-7]{3})/g, fromOctal);
  }
  return undefined;
}

/** Blanks and backslashes are written as three octal digits there. */
function fromOctal(_: string, digits: string): string {
  return String.fromCharCode(parseInt(digits, 8));
}

/** The path of a process's group, by the text of its /proc/…/cgroup; empty for the root. */
export function cgroupPath(processCgroup: string): string | undefined {
  const line = processCgroup.split("\n").find((each) => each.startsWith("0::/"));
  return line?.slice("0::/".length);
}

/** The group at a path; undefined when there is none, or it is the root, in which everybody is. */
export function findCgroup(
  path: string,
  mounts: string = Deno.readTextFileSync("/proc/self/mounts"),
): Cgroup | undefined {
  const mount = cgroupMount(mounts);
  const names = path.split("/").filter((name) => name !== "");
  if (mount === undefined || names.length === 0 || names.includes("..")) return undefined;
  const id = directoryNumber(`${mount}/${names.join("/")}`);
  return id === undefined ? undefined : { path: names.join("/"), level: names.length, id };
}

function directoryNumber(path: string): number | undefined {
  try {
    const { ino, isDirectory } = Deno.statSync(path);
    return isDirectory && ino !== null ? ino : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
