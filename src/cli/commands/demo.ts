/** `ztun demo`: the proof, on nothing but what is embedded. */

import type { Command } from "../command.ts";

export const command: Command = {
  name: "demo",
  summary: "Prove in two minutes that the tunnel works on this machine",
  usage: ["demo [flags]"],
  settings: ["common"],
  flags: [{ name: "json", meaning: "Print the table as JSON" }],
  positionals: [],
  examples: [
    { command: "ztun demo", meaning: "Every check, what was seen, how long it took" },
    { command: "ztun demo --json", meaning: "The same for a script" },
  ],
  details: [
    "Starts the server of `ztun socks` and small HTTP, UDP echo and DNS servers on loopback, runs clients " +
    "through `ztun exec`, and prints one table. Nothing leaves the machine. Exits 0 only if every line holds.",
  ],
  run: async (input) => (await import("./demo_run.ts")).run(input),
};
