/** `ztun __demo`: one part of the demo, in a process of its own. */

import { PART } from "../../demo/part.ts";
import type { Command } from "../command.ts";

export const command: Command = {
  name: PART,
  summary: "Be one part of the demo",
  usage: [`${PART} {far-side | proxy PAIRS | client REACH}`],
  settings: [],
  flags: [],
  positionals: [],
  examples: [],
  hidden: true,
  raw: true,
  run: async (input) => (await import("./demo_part_run.ts")).run(input),
};
