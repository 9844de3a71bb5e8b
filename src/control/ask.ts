/** One request to one tunnel, and its answer. */

import { Exit, UserError } from "../errors.ts";
import type { Request } from "./request.ts";
import { socketPath } from "./socket_path.ts";

/** A tunnel answers within milliseconds, unless it is stopped or stuck: then it is better to say so. */
export const PATIENCE_MS = 5_000;

/**
 * What the tunnel of process `pid` answers; undefined when nobody listens there (any more). Throws a
 * `UserError` for one that is there and does not answer within `patience` milliseconds.
 */
export async function ask(
  directory: string,
  pid: number,
  request: Request,
  patience = PATIENCE_MS,
): Promise<unknown> {
  const connection = await connect(socketPath(directory, pid));
  if (connection === undefined) return undefined;
  const answer = exchange(connection, request).catch(() => "");
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
  return JSON.parse(text) as unknown;
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

async function exchange(connection: Deno.UnixConn, request: Request): Promise<string> {
  await connection.write(new TextEncoder().encode(`${request}\n`));
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
  const hint = "Run the same command as root, with `sudo` in front";
  return new UserError(message, { hint, exitCode: Exit.Permission, cause });
}

function silent(pid: number): UserError {
  return new UserError(`The tunnel of process ${pid} does not answer`, {
    hint: `\`sudo kill -CONT ${pid}\` if it was stopped; or end it: \`sudo kill -KILL ${pid}; ` +
      "sudo ztun cleanup`",
  });
}
