/** The command line's side of the control socket. */

import { UserError } from "../errors.ts";
import { ask, PATIENCE_MS } from "./ask.ts";
import { type Answer, Request } from "./request.ts";
import { listSockets } from "./socket_path.ts";
import type { TunnelStatus } from "./status.ts";

/**
 * The status of every tunnel that this user runs; of one, when `pid` names it. Throws as `ask` does, unless
 * somebody else is told: one that does not answer keeps nobody from the others.
 */
export async function readStatuses(
  directory: string,
  pid?: number,
  patience = PATIENCE_MS,
  failed: (error: unknown) => void = rethrow,
): Promise<TunnelStatus[]> {
  const pids = (await listSockets(directory)).filter((each) => pid === undefined || each === pid);
  const statuses = await Promise.all(pids.map(async (each) => {
    try {
      return await ask(directory, each, Request.Status, patience);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }));
  return statuses.filter((status) => status !== undefined) as TunnelStatus[];
}

function rethrow(error: unknown): never {
  throw error;
}

/** Asks a tunnel to end; it does so later. False when it has ended already. */
export function askToStop(directory: string, pid: number): Promise<boolean> {
  return tell(directory, pid, Request.Stop);
}

/** Tells a tunnel that would undo itself to stay. False when it has ended already. */
export function askToConfirm(directory: string, pid: number): Promise<boolean> {
  return tell(directory, pid, Request.Confirm);
}

async function tell(directory: string, pid: number, request: Request): Promise<boolean> {
  const answer = await ask(directory, pid, request) as Answer | undefined;
  if (answer === undefined) return false;
  if ("ok" in answer) return true;
  throw new UserError(`The tunnel of process ${pid} did not do it: ${answer.error}`, {
    hint: `See what \`ztun status --pid ${pid}\` says`,
  });
}
