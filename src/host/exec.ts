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

/** From here on signals go to the command, as long as it lives; before it runs, to what becomes it. */
async function serve(
  inside: NamespaceCommand,
  signals: SignalSource,
  start: StartTunnel,
): Promise<number> {
  const device = adopt(inside.tunFd);
  const commandEnded = forwardSignals(signals, (signal) => inside.kill(signal));
  try {
    const tunnel = await start(device);
    return await runCommand(inside, tunnel, () => commandEnded(() => void tunnel.close()));
  } finally {
    device.close();
  }
}

async function runCommand(
  inside: NamespaceCommand,
  tunnel: RunningTunnel,
  commandEnded: () => void,
): Promise<number> {
  try {
    inside.release();
    return (await inside.wait()).code;
  } finally {
    commandEnded();
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
