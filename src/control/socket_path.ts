/** Where running tunnels listen: one socket per process, in a directory of the user's own. */

import { UserError } from "../errors.ts";

export interface PathEnvironment {
  env(name: string): string | undefined;
  uid(): number | null;
}

/** The directory of this user's sockets. */
export function controlDirectory(environment: PathEnvironment): string {
  const uid = environment.uid();
  if (uid === 0) return "/run/ztun";
  const runtime = environment.env("XDG_RUNTIME_DIR");
  return runtime === undefined ? `/tmp/ztun-${uid}` : `${runtime}/ztun`;
}

/** Makes the directory where it is missing; throws a `UserError` when others can get at it. */
export async function prepareDirectory(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const { uid, mode, isSymlink } = await Deno.lstat(directory);
  if (isSymlink || uid !== Deno.uid() || ((mode ?? 0) & 0o077) !== 0) {
    throw new UserError(`Cannot use the control directory "${directory}": others can get at it`, {
      hint: `sudo rm -r ${directory}`,
    });
  }
}

export function socketPath(directory: string, pid: number): string {
  return `${directory}/${pid}.sock`;
}

/** What a detached tunnel says on stderr, for as long as it runs. */
export function logPath(directory: string, pid: number): string {
  return `${directory}/${pid}.log`;
}

/** The process ids of the sockets in `directory`, whether or not anybody still listens. */
export async function listSockets(directory: string): Promise<number[]> {
  const pids: number[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      const match = /^([1-9][0-9]*)\.sock$/.exec(entry.name);
      if (match !== null) pids.push(Number(match[1]));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return pids.sort((a, b) => a - b);
}

/** Takes away those of processes that were killed. */
export async function removeDeadSockets(directory: string): Promise<void> {
  for (const pid of await listSockets(directory)) {
    if (!isAlive(pid)) await removeStale(socketPath(directory, pid));
  }
}

function isAlive(pid: number): boolean {
  try {
    Deno.lstatSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

export async function removeStale(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
