/** The command line's side of the control socket. */

import { UserError } from "../errors.ts";
import { listSockets, socketPath } from "./socket_path.ts";
import type { TunnelStatus } from "./status.ts";

/** A tunnel answers within milliseconds, unless it is stopped or stuck: then it is better to say so. */
const PATIENCE_MS = 5_000;

/**
 * The status of every tunnel that this user runs; of one, when `pid` names it. Throws a `UserError` for
 * one that is there and does not answer within `patience` milliseconds.
 */
export async function readStatuses(
  directory: string,
  pid?: number,
  patience = PATIENCE_MS,
): Promise<TunnelStatus[]> {
  const statuses: TunnelStatus[] = [];
  for (const candidate of await listSockets(directory)) {
    if (pid !== undefined && candidate !== pid) continue;
    const status = await readStatus(directory, candidate, patience);
    if (status !== undefined) statuses.push(status);
  }
  return statuses;
}

/** Undefined when nobody listens there (any more). */
async function readStatus(
  directory: string,
  pid: number,
  patience: number,
): Promise<TunnelStatus | undefined> {
  const connection = await connect(socketPath(directory, pid));
  if (connection === undefined) return undefined;
  const answer = ask(connection).catch(() => "");
  let limit: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<void>((resolve) => {
    limit = setTimeout(resolve, patience);
  });
  const text = await Promise.race([answer, silence]);
  clearTimeout(limit);
  connection.close();
  await answer;
  if (typeof text !== "string") throw silent(pid);
  // Ended while it was being asked.
  if (!text.endsWith("\n")) return undefined;
  return JSON.parse(text) as TunnelStatus;
}

async function connect(path: string): Promise<Deno.UnixConn | undefined> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // A process that was killed leaves its socket behind. Any other error may be that of a live one.
    if (error instanceof Deno.errors.ConnectionRefused) {
      await removeDead(path);
      return undefined;
    }
    throw cannotAsk(path, error);
  }
}

async function ask(connection: Deno.UnixConn): Promise<string> {
  await connection.write(new TextEncoder().encode('{"get":"status"}\n'));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16_384);
  let text = "";
  for (
    let length = await connection.read(buffer);
    length !== null;
    length = await connection.read(buffer)
  ) {
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return text;
}

async function removeDead(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // Somebody else was faster, or it is not ours to remove.
  }
}

function cannotAsk(path: string, cause: unknown): UserError {
  const message = `Cannot ask the tunnel at "${path}"`;
  if (!(cause instanceof Deno.errors.PermissionDenied)) return new UserError(message, { cause });
  return new UserError(message, { hint: "sudo ztun status", exitCode: 4, cause });
}

function silent(pid: number): UserError {
  return new UserError(`The tunnel of process ${pid} does not answer`, {
    hint: `\`kill -CONT ${pid}\` if it was stopped; \`kill ${pid}\` ends it`,
  });
}
