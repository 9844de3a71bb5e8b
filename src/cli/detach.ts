/**
 * `--detach`: this program once more, in a session of its own, and the wait until its tunnel is ready.
 *
 * What the detached one says goes to a file beside its control socket, readable by its user only. When it
 * ends in order it removes the file itself (`removeLog`): nothing is left to read about, and it alone
 * knows. After any other end the file is the only witness, and stays; the next detached start takes those
 * of dead processes away, so that they do not add up. When the detached one ends before it is ready its
 * log has been shown here, and goes at once.
 */

import { readStatuses } from "../control/client.ts";
import { controlDirectory, logPath, prepareDirectory } from "../control/socket_path.ts";
import { Exit } from "../errors.ts";
import type { Environment } from "./environment.ts";
import { type StopSignals, stopSignals } from "./stop_signals.ts";

const PAUSE_MS = 50;

/** Runs as a shell, writes where it will be heard, and becomes the program: the process id stays. */
const LAUNCH = '(umask 077; : >"$1/$$.log") && log="$1/$$.log" && shift && exec "$@" 2>>"$log"';

/** `args` are this program's own. Gives the exit code: 0 when the tunnel serves. */
export async function detach(
  environment: Environment,
  args: readonly string[],
  quiet = false,
): Promise<number> {
  const directory = controlDirectory(environment);
  await prepareDirectory(directory);
  await removeLogsOfTheDead(directory);
  const command = [...environment.selfCommand(), ...args.filter((arg) => !isDetach(arg))];
  // From here on: a signal may come before there is anybody to pass it on to.
  const signals = stopSignals(environment);
  try {
    const child = new Deno.Command("sh", {
      args: ["-c", LAUNCH, "sh", directory, ...command],
      detached: true,
      // Run from source it would ask for its own updates, by the uplink, before anything is captured.
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return await wait(child, signals, environment, directory, quiet);
  } finally {
    signals.release();
  }
}

/** For the detached one, when it ends in order. */
export async function removeLog(environment: Environment): Promise<void> {
  await removeIfThere(logPath(controlDirectory(environment), environment.pid()));
}

function isDetach(arg: string): boolean {
  return arg === "--detach" || arg === "--detach=true";
}

async function wait(
  child: Deno.ChildProcess,
  signals: StopSignals,
  environment: Environment,
  directory: string,
  quiet: boolean,
): Promise<number> {
  const path = logPath(directory, child.pid);
  const ended = child.status.then(({ code }) => code);
  // It does with them what the program does in the foreground: the second one ends it at once.
  for (const signal of [signals.first, signals.second]) signal.then(() => terminate(child));
  const code = await servesOrEnds(directory, child.pid, ended, signals);
  // Without a pause from here on: a signal would come too late to be passed on.
  environment.err(readLog(path));
  if (code === undefined) {
    if (!quiet) environment.err(`It goes on as process ${child.pid}; its log is ${path}\n`);
    child.unref();
    return Exit.Ok;
  }
  await removeIfThere(path);
  // It was stopped before it was ready: whoever goes by the exit code must not think that it runs.
  return code === Exit.Ok ? Exit.Interrupted : code;
}

/** Undefined when its tunnel serves; else its exit code. */
async function servesOrEnds(
  directory: string,
  pid: number,
  ended: Promise<number>,
  signals: StopSignals,
): Promise<number | undefined> {
  while (!await serves(directory, pid) || signals.received) {
    const code = await Promise.race([ended, pause()]);
    if (code !== undefined) return code;
  }
  return undefined;
}

async function serves(directory: string, pid: number): Promise<boolean> {
  // One that is too busy with its start to answer is not ready yet.
  const [status] = await readStatuses(directory, pid).catch(() => []);
  return status !== undefined && status.state !== "starting" && status.state !== "stopping";
}

function pause(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), PAUSE_MS));
}

function terminate(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It ended, and the news is still on its way.
  }
}

async function removeLogsOfTheDead(directory: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    const pid = /^([1-9][0-9]*)\.log$/.exec(name)?.[1];
    if (pid !== undefined && !await isThere(`/proc/${pid}`)) {
      await removeIfThere(`${directory}/${name}`);
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Empty when it ended before there was one. */
function readLog(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
