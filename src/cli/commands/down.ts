/** `ztun down`: ends the tunnels of `up`, and undoes what dead ones have left. */

import type { Command } from "../command.ts";
import { pidFlag } from "./pid_flag.ts";

export const command: Command = {
  name: "down",
  summary: "End the running tunnels of `ztun up`, and undo what dead ones have left",
  usage: ["down [flags]"],
  settings: [],
  flags: [pidFlag],
  positionals: [],
  examples: [
    { command: "sudo ztun down", meaning: "Give the machine back as it was" },
    { command: "sudo ztun down --pid 4711", meaning: "End one of several tunnels" },
  ],
  details: [
    "Live flows get the tunnel's --grace to finish. Returns when device, routes and rules are gone, " +
    "also those of tunnels that were killed: a kill switch (--strict) stays until then.",
    "Exits 3 when there is neither a tunnel nor anything that one has left.",
  ],
  run: async (input) => (await import("./down_run.ts")).run(input),
};
