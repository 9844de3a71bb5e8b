/** Where running tunnels listen: one socket per process, in a directory of the user's own. */

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

export function socketPath(directory: string, pid: number): string {
  return `${directory}/${pid}.sock`;
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
