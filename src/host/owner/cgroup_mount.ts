/**
 * Where cgroup v2 is on this host: usually /sys/fs/cgroup, beside version 1 /sys/fs/cgroup/unified, and in
 * some containers nowhere.
 */

export interface Cgroup2 {
  readonly mount: string;
  /** Whether it is mounted for writing; whether we may write is another matter. */
  readonly writable: boolean;
}

/** What nftables needs to match a cgroup. */
export interface CgroupMatch {
  readonly id: number;
  /** Below the mount, with a slash in front. */
  readonly path: string;
  /** How deep it lies: 1 for one right below the root. */
  readonly level: number;
}

const USUAL = "/sys/fs/cgroup";

/** From the text of `/proc/self/mounts`; the usual place before others, and undefined when there is none. */
export function cgroup2Of(mounts: string): Cgroup2 | undefined {
  const found = mounts.split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup2")
    .map(([, mount, , options]) => ({
      mount: unescape(mount!),
      writable: options!.split(",").includes("rw"),
    }));
  return found.find(({ mount }) => mount.startsWith(USUAL)) ?? found[0];
}

/** Blanks, tabs, line ends and backslashes stand there in octal. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

/** Throws `Deno.errors.NotFound` when there is no such cgroup (any more). */
export function cgroupMatch({ mount }: Cgroup2, path: string): CgroupMatch {
  const { ino } = Deno.statSync(mount + path);
  return { id: ino!, path, level: path.split("/").length - 1 };
}

/** Whether `path` is `ancestor`, or lies below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(ancestor === "/" ? "/" : `${ancestor}/`);
}
