/**
 * `exec` without the rest of ztun: the real namespaces, with the echo engine in place of a tunnel.
 *
 *   exec_program.ts [--verbose] [--address CIDR]... [--dns SERVER]... -- COMMAND [ARGUMENT...]
 *
 * `--twice` does it two times and says on stderr what descriptors each left open; `--broken` has an
 * engine that cannot start, `--lingering` one that says "stopping" and ends only when it is told to do so
 * at once, `--crashing` an inner half that ends at once.
 */

import { realEnvironment } from "../../src/cli/environment.ts";
import { exitCodeOf, reportError } from "../../src/cli/report_error.ts";
import { defaultSettings } from "../../src/config/settings.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { UserError } from "../../src/errors.ts";
import { execInTunnel, type RunningTunnel } from "../../src/host/exec.ts";
import { becomeInside } from "../../src/host/inside.ts";
import { startEchoTunnel } from "./echo_tunnel.ts";

const SELF = [
  ...[Deno.execPath(), "run", "-A", "--no-check", "--no-lock", "--quiet"],
  import.meta.url,
];

const environment = realEnvironment();
const plain = (_style: string, text: string) => text;

async function main(args: string[]): Promise<number> {
  if (args[0] === "__inside") return becomeInside(Number(args[1]), args.slice(2));
  const end = args.indexOf("--");
  const flags = args.slice(0, end);
  const valuesOf = (name: string) => flags.filter((_, index) => flags[index - 1] === name);
  const { tun } = defaultSettings();
  const addresses = valuesOf("--address");
  const say = (message: string) => {
    if (flags.includes("--verbose")) environment.err(`${message}\n`);
  };
  const serve = (device: TunDevice) => {
    say(`offload: ${JSON.stringify(device.offload)}`);
    const tunnel = startEchoTunnel(device);
    return flags.includes("--lingering") ? lingering(tunnel) : tunnel;
  };
  const start = (device: TunDevice) =>
    flags.includes("--broken")
      ? Promise.reject(new UserError("The engine is broken"))
      : Promise.resolve(serve(device));
  const options = {
    command: args.slice(end + 1),
    selfCommand: flags.includes("--crashing") ? ["sh", "-c", "exit 3"] : SELF,
    tun: addresses.length === 0 ? tun : { ...tun, addresses },
    dnsServers: valuesOf("--dns"),
    signals: environment,
    log: { debug: say, warn: say },
  };
  if (flags.includes("--twice")) {
    await execInTunnel(options, start);
    environment.err(`${openDescriptors()}\n`);
    await execInTunnel(options, start);
    environment.err(`${openDescriptors()}\n`);
    return 0;
  }
  return await execInTunnel(options, start);
}

function lingering(tunnel: RunningTunnel): RunningTunnel {
  const told = Promise.withResolvers<void>();
  return {
    async stop() {
      environment.err("stopping\n");
      await told.promise;
      await tunnel.stop();
    },
    close() {
      told.resolve();
      return tunnel.close();
    },
  };
}

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

async function exitCode(): Promise<number> {
  try {
    return await main(Deno.args);
  } catch (error) {
    environment.err(reportError(error, plain, true));
    return exitCodeOf(error);
  }
}

// As `main.ts` does: a process that ends by itself takes its signal listeners down before.
Deno.exit(await exitCode());
