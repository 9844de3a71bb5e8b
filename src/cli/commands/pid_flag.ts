/** `--pid PID`: one tunnel of several. */

import type { CommandFlag } from "../command.ts";
import { usageError } from "../parse_command_line.ts";

export const pidFlag: CommandFlag = {
  name: "pid",
  value: "PID",
  meaning: "Only the tunnel of that process",
  default: "all",
};

/** The value of the flag; undefined without it. */
export function pidOf(text: string | boolean | undefined): number | undefined {
  if (typeof text !== "string") return undefined;
  if (!/^[1-9][0-9]*$/.test(text)) throw usageError(`"${text}" is no process id`, "`ztun status`");
  return Number(text);
}
