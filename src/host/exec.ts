/**
 * `exec`, whole: a command in its namespace, a tunnel outside that serves it, and the command's end.
 */

import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { platform } from "../../ffi/mod.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { forwardSignals, type SignalSource } from "./forward_signals.ts";
import { type NamespaceCommand, type NamespaceOptions, spawnInNamespace } from "./namespace.ts";
import { composeResolvConf } from "./resolv_conf.ts";

/** An engine that serves a device until it is stopped. */
export interface RunningTunnel {
  /** Ends the flows that live, in order; what a command sent before it ended still arrives. */
  stop(): Promise<void>;
  /** Ends everything now; also while `stop` is waiting. */
  close(): Promise<void>;
}

/** Starts an engine on a device; resolves when packets are being served. The device stays ours. */
export type StartTunnel = (device: TunDevice) => Promise<RunningTunnel>;

export interface ExecOptions extends Omit<NamespaceOptions, "resolvConf"> {
  /** `--dns-server`; empty for the host's own. */
  readonly dnsServers: readonly string[];
  readonly signals: SignalSource;
}

/** Runs the command in the tunnel; its exit code, or 128 and the signal that ended it. */
export async function execInTunnel(options: ExecOptions, start: StartTunnel): Promise<number> {
  const resolvConf = composeResolvConf(await readHostResolvConf(), options.dnsServers);
  const inside = await spawnInNamespace({ ...options, resolvConf });
  try {
    return await serve(inside, options.signals, start);
  } finally {
    await inside.close();
  }
}

async function serve(
  inside: NamespaceCommand,
  signals: SignalSource,
  start: StartTunnel,
): Promise<number> {
  const device = adopt(inside.tunFd);
  try {
    return await runCommand(inside, signals, await start(device));
  } finally {
    device.close();
  }
}

/** Signals go to the command as long as it lives. */
async function runCommand(
  inside: NamespaceCommand,
  signals: SignalSource,
  tunnel: RunningTunnel,
): Promise<number> {
  const commandEnded = forwardSignals(signals, (signal) => inside.kill(signal));
  try {
    inside.release();
    return (await inside.wait()).code;
  } finally {
    commandEnded(() => void tunnel.close());
    await tunnel.stop();
  }
}

function adopt(fd: number): TunDevice {
  try {
    return platform.adoptTun(fd);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

async function readHostResolvConf(): Promise<string> {
  try {
    return await Deno.readTextFile("/etc/resolv.conf");
  } catch {
    // The inside finds out too, and says what to do about it.
    return "";
  }
}
