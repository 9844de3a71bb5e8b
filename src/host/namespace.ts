/**
 * The outer half of `exec`: starts the command in namespaces of its own, and gets their TUN from there.
 *
 * 1. `unshare` makes the namespaces and runs this program inside them (`inside.ts`).
 * 2. The inside sets itself up and sends the TUN's descriptor over a socket.
 * 3. `release` lets it go on: the same process becomes the command.
 */

import { closeFd, MessageSocket, setInherited, socketPair } from "../../ffi/fd_passing_linux.ts";
import { Errno, SysError } from "../../ffi/libc.ts";
import { platform } from "../../ffi/mod.ts";
import type { TunSettings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import { decode, encode, errorFromWire, type InsideReport } from "./namespace_message.ts";
import { blankedVariables } from "./secret_variables.ts";
import type { HostLog } from "./step.ts";
import { isPrivileged, requireUnshare, unshareArguments } from "./user_namespace.ts";

export interface NamespaceOptions {
  /** The command and its arguments; at least one. */
  readonly command: readonly string[];
  /** How to run this program again. */
  readonly selfCommand: readonly string[];
  readonly tun: TunSettings;
  readonly resolvConf: string;
  readonly log: HostLog;
}

/** How the command ended: its exit code, or 128 and the number of the signal that ended it. */
export interface CommandStatus {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** A command that waits in its namespace for a network. */
export interface NamespaceCommand {
  /** The TUN, which the caller owns. */
  readonly tunFd: number;
  /** Somebody serves the TUN: the command starts. */
  release(): void;
  /** The command's end. Rejects with a `UserError` when it could not be run at all. */
  wait(): Promise<CommandStatus>;
  kill(signal: Deno.Signal): void;
  /** Ends a command that has not ended, and frees what is held. */
  close(): Promise<void>;
}

export async function spawnInNamespace(options: NamespaceOptions): Promise<NamespaceCommand> {
  platform.requireNamespaces();
  const processStatus = await Deno.readTextFile("/proc/self/status");
  const unshare = unshareArguments(isPrivileged(Deno.uid(), processStatus));
  await requireUnshare(unshare);
  const [ours, theirs] = socketPair();
  const child = spawnInside(options, unshare, ours, theirs);
  const socket = new MessageSocket(ours);
  const inside = new InsideProcess(child, socket);
  try {
    const { fd: _fd, ...tun } = options.tun;
    sendUnlessGone(socket, encode({ tun, resolvConf: options.resolvConf }));
    await inside.receiveTun(options.log);
    return inside;
  } catch (error) {
    await inside.close();
    throw error;
  }
}

function spawnInside(
  options: NamespaceOptions,
  unshare: readonly string[],
  ours: number,
  theirs: number,
): Deno.ChildProcess {
  try {
    setInherited(theirs, true);
    const args = [...unshare, ...options.selfCommand, "__inside", String(theirs)];
    return new Deno.Command("unshare", {
      args: [...args, ...options.command],
      env: blankedVariables((name) => Deno.env.get(name)),
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    closeFd(ours);
    throw error;
  } finally {
    closeFd(theirs);
  }
}

/** Sends to the inside. When it has ended in the meantime its status says so, and this says nothing. */
function sendUnlessGone(socket: MessageSocket, message: Uint8Array): void {
  try {
    socket.send(message);
  } catch (error) {
    if (!(error instanceof SysError && error.code === Errno.EPIPE)) throw error;
  }
}

class InsideProcess implements NamespaceCommand {
  tunFd = -1;
  readonly #child: Deno.ChildProcess;
  readonly #socket: MessageSocket;
  /** What comes after "go": nothing, when the command runs. */
  #afterwards: ReturnType<MessageSocket["receiveLater"]> | undefined;
  #ended = false;

  constructor(child: Deno.ChildProcess, socket: MessageSocket) {
    this.#child = child;
    this.#socket = socket;
    child.status.then(() => this.#ended = true);
  }

  async receiveTun(log: HostLog): Promise<void> {
    const message = await this.#socket.receiveLater();
    if (message === undefined) {
      const { code, signal } = await this.#child.status;
      throw new UserError("The command's namespace ended before its network was there", {
        cause: new Error(signal === null ? `exit code ${code}` : `ended by ${signal}`),
      });
    }
    const report = decode<InsideReport>(message.bytes);
    if (report.kind === "error") throw errorFromWire(report.error);
    for (const warning of report.warnings) log.warn(warning);
    for (const step of report.steps) log.debug(step);
    this.tunFd = message.fd;
  }

  release(): void {
    sendUnlessGone(this.#socket, encode("go"));
    this.#afterwards = this.#socket.receiveLater();
  }

  async wait(): Promise<CommandStatus> {
    const message = await this.#afterwards;
    const { code, signal } = await this.#child.status;
    if (message === undefined) return { code, signal };
    const report = decode<InsideReport>(message.bytes);
    if (report.kind === "error") throw errorFromWire(report.error);
    throw new Error("The namespace was set up twice");
  }

  kill(signal: Deno.Signal): void {
    if (this.#ended) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended, and the news is still on its way.
      if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
    }
  }

  async close(): Promise<void> {
    this.kill("SIGKILL");
    await this.#child.status;
    await this.#afterwards;
    this.#socket.close();
  }
}
