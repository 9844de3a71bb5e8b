/** `ztun cleanup`: undoes what tunnels that died have left, and touches no other. */

import type { Command } from "../command.ts";

export const command: Command = {
  name: "cleanup",
  summary: "Undo what tunnels that died have left on this host",
  usage: ["cleanup [flags]"],
  settings: [],
  flags: [],
  positionals: [],
  examples: [
    { command: "sudo ztun cleanup", meaning: "After a crash, a SIGKILL or a loss of power" },
    { command: "sudo ztun cleanup -q", meaning: "The same for a script: only what went wrong" },
  ],
  details: [
    "Reads the journals of tunnels whose process is no more, and undoes what is still there of their " +
    "changes, last one first; what somebody else has altered since is left alone and reported. " +
    "Running tunnels are not touched. `ztun up` does the same before it starts.",
    "Exits 0 also when there was nothing to do; 1 when something could not be undone.",
  ],
  run: async (input) => (await import("./cleanup_run.ts")).run(input),
};
