/**
 * The inner half of `exec`: runs in the fresh namespaces, sets them up, and becomes the command.
 *
 * Nothing here waits on the event loop: the process has one thing to do at a time, and the end of it is
 * another program.
 */

import { MessageSocket, setInherited } from "../../ffi/fd_passing_linux.ts";
import { Errno, SysError } from "../../ffi/libc.ts";
import { dropInheritedCapabilities, replaceProcess } from "../../ffi/namespace_linux.ts";
import { Exit, UserError } from "../errors.ts";
import { defaultRoutes } from "./device_plan.ts";
import { mountResolver } from "./mount_resolver.ts";
import { decode, encode, errorToWire, type InsideConfig } from "./namespace_message.ts";
import { hiddenVariables } from "./secret_variables.ts";
import { applySteps, type HostLog, quietStep, upStep } from "./step.ts";
import { type HostDevice, makeDevice } from "./tun_setup.ts";
import { withRoutes } from "./with_routes.ts";

/** Does not return when all goes well. What fails is told to the outer half, which shows it. */
export function becomeInside(socketFd: number, command: readonly string[]): number {
  setInherited(socketFd, false);
  const socket = new MessageSocket(socketFd);
  try {
    const config = socket.receive();
    if (config === undefined) return Exit.Failed;
    handOverTun(socket, decode<InsideConfig>(config.bytes));
    // The outer half has gone, or could not serve: there is nobody left to tell.
    if (socket.receive() === undefined) return Exit.Failed;
    becomeCommand(command);
  } catch (error) {
    tell(socket, error);
    return Exit.Failed;
  }
}

function tell(socket: MessageSocket, error: unknown): void {
  try {
    socket.send(encode({ kind: "error", error: errorToWire(error) }));
  } catch (failure) {
    // The outer half has been killed: whoever did that does not wait for an answer.
    if (!(failure instanceof SysError)) throw failure;
  }
}

function handOverTun(socket: MessageSocket, config: InsideConfig): void {
  const steps: string[] = [];
  const warnings: string[] = [];
  const log = {
    debug: (message: string) => void steps.push(message),
    warn: (message: string) => void warnings.push(message),
  };
  const { device } = makeNetwork(config, log);
  mountResolver(config.resolvConf);
  socket.send(encode({ kind: "ready", steps, warnings }), device.fd);
  // The outer half's descriptor keeps the device; ours must not live on in the command.
  device.close();
}

function makeNetwork({ tun }: InsideConfig, log: HostLog): HostDevice {
  const made = makeDevice(tun, 1, defaultRoutes(tun.addresses), "namespace", log);
  withRoutes((routes) => {
    const loopback = routes.findLink("lo")?.index;
    if (loopback !== undefined) applySteps([upStep("lo")], routes, loopback, log);
    // Lets `ping` work without capabilities, as most distributions do on the host. A user namespace
    // has one group only and refuses the wider range.
    const ping = "net/ipv4/ping_group_range";
    const ranges = [`${Deno.gid()} ${Deno.gid()}`, "0 2147483647"];
    applySteps(ranges.map((range) => quietStep(ping, range)), routes, 0, log);
  });
  return made;
}

function becomeCommand(command: readonly string[]): never {
  for (const name of hiddenVariables) Deno.env.delete(name);
  dropInheritedCapabilities();
  throw commandError(command[0]!, replaceProcess(command));
}

function commandError(name: string, code: number): UserError {
  // A directory in PATH that may not be searched makes a missing program look like a forbidden one.
  const missing = code === Errno.ENOENT || (code === Errno.EACCES && !isVisible(name));
  return new UserError(`Cannot run "${name}"`, {
    cause: new SysError("execvp", missing ? Errno.ENOENT : code),
    exitCode: missing ? Exit.NotFound : Exit.NotExecutable,
    hint: missing
      ? "Is it installed, and its directory in PATH? `ztun exec` runs programs, not a shell's own words"
      : `\`ls -l ${name.includes("/") ? name : `$(command -v ${name})`}\``,
  });
}

function isVisible(name: string): boolean {
  if (name.includes("/")) return true;
  return (Deno.env.get("PATH") ?? "").split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}
