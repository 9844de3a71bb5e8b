/**
 * The running tunnel's side of the control socket: one line of JSON in, one line of JSON out.
 *
 * Only its user can open it: the directory has mode 0700, and is refused when somebody else owns it.
 */

import { type Answer, Request } from "./request.ts";
import { prepareDirectory, removeDeadSockets, removeStale, socketPath } from "./socket_path.ts";
import type { TunnelStatus } from "./status.ts";

/** Requests are short; whoever sends more is not talking to us. */
const LONGEST_REQUEST = 4_096;
/** Askers at once; beyond it, whoever has been connected longest without being answered goes. */
const MOST_ASKERS = 64;
/** How long no one is accepted after that failed: the process may be out of descriptors for a while. */
const ACCEPT_PAUSE_MS = 100;

export interface ControlHandler {
  status(): TunnelStatus | Promise<TunnelStatus>;
  /** Begins the end, and does not wait for it: called when whoever asks has been answered. */
  stop?: (() => void) | undefined;
  /** Throws, with the reason, when there is nothing to confirm. */
  confirm?: (() => void) | undefined;
}

export class ControlServer {
  readonly path: string;
  readonly #handler: ControlHandler;
  readonly #listener: Deno.UnixListener;
  readonly #open = new Set<Deno.UnixConn>();
  readonly #done: Promise<void>;
  #closed: Promise<void> | undefined;

  /** Listens in `directory`, which is made when it is missing. */
  static async listen(directory: string, handler: ControlHandler): Promise<ControlServer> {
    await prepareDirectory(directory);
    await removeDeadSockets(directory);
    const path = socketPath(directory, Deno.pid);
    // Of an earlier process with our number.
    await removeStale(path);
    return new ControlServer(path, Deno.listen({ transport: "unix", path }), handler);
  }

  private constructor(path: string, listener: Deno.UnixListener, handler: ControlHandler) {
    this.path = path;
    this.#listener = listener;
    this.#handler = handler;
    this.#done = this.#accept();
  }

  /** Once or more often: a tunnel may be ended at once while it is being ended in order. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    await this.#done;
    await removeStale(this.path);
  }

  async #accept(): Promise<void> {
    const serving = new Set<Promise<void>>();
    while (this.#closed === undefined) {
      const connection = await this.#next();
      if (connection === undefined) continue;
      const served = this.#serve(connection).finally(() => serving.delete(served));
      serving.add(served);
    }
    await Promise.all(serving);
  }

  /** Undefined when that failed, which must not end a tunnel: it is asked for the next one soon. */
  async #next(): Promise<Deno.UnixConn | undefined> {
    try {
      return await this.#listener.accept();
    } catch {
      if (this.#closed !== undefined) return undefined;
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      return undefined;
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    this.#open.add(connection);
    if (this.#open.size > MOST_ASKERS) this.#dropOldest();
    try {
      const request = await readLine(connection);
      try {
        await send(connection, await this.#answer(request));
      } finally {
        // Only now, for it closes this connection too; and also when nobody reads the answer any more.
        if (request === Request.Stop) this.#handler.stop?.();
      }
    } catch {
      // The asker went away: nobody is left to tell.
    } finally {
      this.#open.delete(connection);
      closeQuietly(connection);
    }
  }

  #dropOldest(): void {
    for (const oldest of this.#open) {
      this.#open.delete(oldest);
      closeQuietly(oldest);
      return;
    }
  }

  async #answer(request: string): Promise<TunnelStatus | Answer> {
    const handler = this.#handler;
    if (request === Request.Status) return await handler.status();
    if (request === Request.Stop && handler.stop !== undefined) return { ok: true };
    if (request === Request.Confirm && handler.confirm !== undefined) {
      return outcomeOf(() => handler.confirm?.());
    }
    return { error: "Unknown request" };
  }
}

function outcomeOf(act: () => void): Answer {
  try {
    act();
    return { ok: true };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function send(connection: Deno.UnixConn, answer: TunnelStatus | Answer): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(answer) + "\n");
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readLine(connection: Deno.UnixConn): Promise<string> {
  const buffer = new Uint8Array(LONGEST_REQUEST);
  let length = 0;
  while (length < buffer.length) {
    const read = await connection.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
    const end = buffer.subarray(0, length).indexOf(10);
    if (end >= 0) return new TextDecoder().decode(buffer.subarray(0, end));
  }
  return "";
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // Somebody was faster: the server's `close`, or the bound on askers.
  }
}
