/** `ztun confirm`: a tunnel that would undo itself stays. */

import { askToConfirm, readStatuses } from "../../control/client.ts";
import { controlDirectory } from "../../control/socket_path.ts";
import { Exit, UserError } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";
import { pidFlag, pidOf } from "./pid_flag.ts";

export const command: Command = {
  name: "confirm",
  summary: "Keep a tunnel that `ztun up --confirm` would undo",
  usage: ["confirm [flags]"],
  settings: [],
  flags: [pidFlag],
  positionals: [],
  examples: [
    {
      command: "sudo ztun confirm",
      meaning: "This machine can still be reached: the tunnel stays",
    },
    { command: "sudo ztun confirm --pid 4711", meaning: "One of several tunnels" },
  ],
  details: ["Exits 3 when no tunnel waits for it."],
  run,
};

async function run({ flags, environment, quiet }: CommandInput): Promise<number> {
  const directory = controlDirectory(environment);
  const tunnels = await readStatuses(directory, pidOf(flags.pid));
  let confirmed = 0;
  for (const { pid, state, device } of tunnels) {
    if (state !== "unconfirmed" || !await askToConfirm(directory, pid)) continue;
    confirmed += 1;
    if (!quiet) environment.err(`${device.name} (process ${pid}) stays\n`);
  }
  if (confirmed > 0) return Exit.Ok;
  throw new UserError("No tunnel waits to be confirmed", {
    exitCode: Exit.NotRunning,
    hint: environment.uid() === 0
      ? "`sudo ztun status` shows what runs; it may be undone already"
      : "`sudo ztun confirm` asks those of root",
  });
}
