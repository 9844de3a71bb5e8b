/** `ztun status`: what the running tunnels are doing, and what dead ones have left. */

import type { Command } from "../command.ts";
import { pidFlag } from "./pid_flag.ts";

export const command: Command = {
  name: "status",
  summary: "Show what the running tunnels are doing",
  usage: ["status [flags]"],
  settings: [],
  flags: [
    { name: "json", meaning: "Print all counters as JSON, one object per tunnel and line" },
    pidFlag,
  ],
  positionals: [],
  examples: [
    { command: "ztun status", meaning: "Proxy, flows, bytes, memory of each running tunnel" },
    { command: "ztun status --json", meaning: "Everything that is counted, for a script" },
  ],
  details: [
    "Says also what a tunnel that died has left on this host, such as a kill switch.",
    "Exits 3 when no tunnel is running.",
  ],
  run: async (input) => (await import("./status_run.ts")).run(input),
};
