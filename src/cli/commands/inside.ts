/** `ztun __inside`: the half of `exec` that runs within the namespaces. */

import { Exit, UserError } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";

export const command: Command = {
  name: "__inside",
  summary: "Set up the namespaces that `exec` has made, and become its command",
  usage: ["__inside SOCKET COMMAND [ARGUMENT...]"],
  settings: [],
  flags: [],
  positionals: [],
  examples: [],
  hidden: true,
  raw: true,
  run,
};

async function run({ rest }: CommandInput): Promise<number> {
  const [socket = "", ...words] = rest;
  if (!/^[0-9]+$/.test(socket) || words.length === 0) {
    throw new UserError("`ztun __inside` is for `ztun exec` to start", {
      exitCode: Exit.Usage,
      hint: "`ztun help exec`",
    });
  }
  const { becomeInside } = await import("../../host/inside.ts");
  return await becomeInside(Number(socket), words);
}
