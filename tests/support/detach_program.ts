/**
 * A small program that may be started detached, in place of `ztun up`; `detach` in front of its arguments
 * makes it the one that starts it. It must be told its directory by XDG_RUNTIME_DIR.
 *
 *     serve   is a tunnel that is ready, until it is asked to stop
 *     fail    says why, and ends
 *     wait    is a tunnel that is never ready, until SIGTERM
 */

import { detach, removeLog } from "../../src/cli/detach.ts";
import { type Environment, realEnvironment } from "../../src/cli/environment.ts";
import { ControlServer } from "../../src/control/server.ts";
import { controlDirectory } from "../../src/control/socket_path.ts";
import type { TunnelState } from "../../src/control/status.ts";
import { sampleStatus } from "../src/control/fixtures.ts";
import { denoRun } from "./ztun.ts";

/** How to run it. */
export function detachProgram(...args: string[]): string[] {
  return denoRun(new URL(import.meta.url).pathname, ...args);
}

async function serve(environment: Environment, state: TunnelState): Promise<number> {
  const ended = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGTERM", ended.resolve);
  environment.err(`got ${Deno.args.join(" ")} and ${Deno.env.get("ZTUN_PASSWORD")}\n`);
  const input = await Deno.stdin.read(new Uint8Array(1));
  environment.err(`reads ${input}, is in ${Deno.cwd()}\n`);
  const server = await ControlServer.listen(controlDirectory(environment), {
    status: () => sampleStatus({ pid: Deno.pid, state }),
    stop: ended.resolve,
  });
  await ended.promise;
  await server.close();
  environment.err("ended in order\n");
  if (state === "ready") await removeLog(environment);
  return 0;
}

if (import.meta.main) {
  // Root's directory is the host's own.
  const environment = {
    ...realEnvironment(),
    uid: () => 1000,
    selfCommand: () => detachProgram(),
  };
  const [what, ...rest] = Deno.args;
  if (what === "detach") Deno.exit(await detach(environment, rest));
  if (what === "serve") Deno.exit(await serve(environment, "ready"));
  if (what === "wait") Deno.exit(await serve(environment, "starting"));
  environment.err("error: Nothing is as it should be\n");
  Deno.exit(4);
}
