/**
 * Who goes into the tunnel and who does not, as the settings name them: users, control groups and
 * interfaces, made into what the firewall matches.
 *
 * Who is named both ways stays outside: so "all of this user's, but not what runs in that group" can be
 * said. Programs of this host and what it forwards for others are two questions: `--only-user` says
 * nothing of containers, and `--only-interface` nothing of the host's own programs.
 */

import { Exit, UserError } from "../errors.ts";
import { type Cgroup, cgroupMount, findCgroup } from "../host/firewall/cgroup.ts";
import type { ForwardedInterfaces, Senders, UserRange } from "../host/firewall/senders.ts";
import { readOrUndefined } from "../host/owner/process_table.ts";
import { userNumber } from "../host/owner/users.ts";

export interface SenderSettings {
  readonly onlyUsers: readonly string[];
  readonly exceptUsers: readonly string[];
  readonly onlyCgroups: readonly string[];
  readonly exceptCgroups: readonly string[];
  readonly onlyInterfaces: readonly string[];
  readonly exceptInterfaces: readonly string[];
}

export interface TunnelSenders {
  readonly outside: Senders;
  /** Undefined for all programs. */
  readonly inside: Senders | undefined;
  readonly forwarded: ForwardedInterfaces;
}

/** What the names are looked up in: texts of files. */
export interface SendersHost {
  readonly passwd: string;
  readonly mounts: string;
}

/** The number after the last: it stands for "no user". */
const MOST_USERS = 0xffff_ffff;

/**
 * A control group is known by its number: one that is made anew, under the same path, is another. So
 * whoever names a service's asks again from time to time.
 */
export function sendersOf(settings: SenderSettings, host = thisHost()): TunnelSenders {
  const { onlyUsers, onlyCgroups, onlyInterfaces } = settings;
  return {
    outside: senders(settings.exceptUsers, settings.exceptCgroups, host),
    inside: onlyUsers.length + onlyCgroups.length === 0
      ? undefined
      : senders(onlyUsers, onlyCgroups, host),
    forwarded: {
      outside: settings.exceptInterfaces,
      inside: onlyInterfaces.length === 0 ? undefined : onlyInterfaces,
    },
  };
}

function thisHost(): SendersHost {
  return {
    passwd: readOrUndefined("/etc/passwd") ?? "",
    mounts: Deno.readTextFileSync("/proc/self/mounts"),
  };
}

function senders(users: readonly string[], cgroups: readonly string[], host: SendersHost): Senders {
  return {
    users: users.map((text) => usersOf(text, host.passwd)),
    cgroups: cgroups.map((text) => cgroupOf(text, host.mounts)),
  };
}

/** A name, a number, or "FROM-TO". */
function usersOf(text: string, passwd: string): UserRange {
  const numbers = text.match(/^(\d+)(?:-(\d+))?$/);
  if (numbers === null) return only(numberOf(text, passwd));
  const from = Number(numbers[1]);
  const to = Number(numbers[2] ?? from);
  if (from <= to && to < MOST_USERS) return { from, to };
  throw new UserError(`"${text}" are no numbers of users`, {
    hint: "Write the lower one first, as in `--only-user 1000-1999`",
    exitCode: Exit.Usage,
  });
}

function only(number: number): UserRange {
  return { from: number, to: number };
}

function numberOf(name: string, passwd: string): number {
  const number = userNumber(passwd, name);
  if (number !== undefined) return number;
  throw new UserError(`There is no user "${name}" in /etc/passwd`, {
    hint: `Of one that is kept elsewhere, take the number: \`id -u '${name}'\``,
    exitCode: Exit.Usage,
  });
}

/** A path, with the mount in front or without, or the name of a service. */
function cgroupOf(text: string, mounts: string): Cgroup {
  const mount = cgroupMount(mounts);
  if (mount === undefined) throw noVersion2(text);
  const path = below(mount, text);
  if (path.split("/").every((name) => name === "")) throw everybody(text);
  const found = findCgroup(path, mounts) ?? findByName(path, mount, mounts);
  if (found !== undefined) return found;
  const isUnit = /^[^/]+\.(service|scope|slice)$/.test(text);
  throw new UserError(
    `There is no control group "${text}", and one that does not exist yet cannot be matched`,
    {
      hint: isUnit
        ? `Start it first: \`sudo systemctl start '${text}'\``
        : `See which ones there are: \`find ${mount} -type d\``,
    },
  );
}

function below(mount: string, path: string): string {
  return path === mount || path.startsWith(`${mount}/`) ? path.slice(mount.length) : path;
}

/** The one group of that name, wherever it lies. */
function findByName(name: string, mount: string, mounts: string): Cgroup | undefined {
  if (name.includes("/")) return undefined;
  const paths = [...directoriesNamed(name, mount)].map((path) => below(mount, path)).sort();
  if (paths.length > 1) {
    throw new UserError(`There are ${paths.length} control groups "${name}"`, {
      hint: `Name one by its path: \`${paths.join("` or `")}\``,
      exitCode: Exit.Usage,
    });
  }
  return paths.length === 0 ? undefined : findCgroup(paths[0]!, mounts);
}

function* directoriesNamed(wanted: string, directory: string): Generator<string> {
  for (const name of subdirectories(directory)) {
    const path = `${directory}/${name}`;
    if (name === wanted) yield path;
    yield* directoriesNamed(wanted, path);
  }
}

/** None of a group that went away while we looked. */
function subdirectories(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function noVersion2(text: string): UserError {
  return new UserError(`Cannot match the control group "${text}": there is no cgroup v2 here`, {
    hint: "Mount it beside version 1, `sudo mount -t cgroup2 none /sys/fs/cgroup/unified`, or " +
      "name users instead: `--except-user NAME`",
  });
}

function everybody(text: string): UserError {
  return new UserError(`Cannot match the control group "${text}": every program is in it`, {
    hint: "Name one below it, as in `--except-cgroup system.slice/ssh.service`",
    exitCode: Exit.Usage,
  });
}
