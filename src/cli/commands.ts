/** The table of commands. Help, completion and the README's reference follow its order. */

import type { Command } from "./command.ts";
import { command as check } from "./commands/check.ts";
import { command as cleanup } from "./commands/cleanup.ts";
import { command as complete } from "./commands/complete.ts";
import { command as completion } from "./commands/completion.ts";
import { command as confirm } from "./commands/confirm.ts";
import { command as demo } from "./commands/demo.ts";
import { command as demoPart } from "./commands/demo_part.ts";
import { command as down } from "./commands/down.ts";
import { command as exec } from "./commands/exec.ts";
import { command as help } from "./commands/help.ts";
import { command as inside } from "./commands/inside.ts";
import { command as service } from "./commands/service.ts";
import { command as socks } from "./commands/socks.ts";
import { command as status } from "./commands/status.ts";
import { command as up } from "./commands/up.ts";
import { command as version } from "./commands/version.ts";

/** `help` and `complete` read the table that they stand in: they get it as an argument. */
export const commands: readonly Command[] = [
  exec,
  up,
  socks,
  demo,
  status,
  down,
  confirm,
  cleanup,
  service,
  check,
  version,
  help(() => commands),
  completion,
  inside,
  demoPart,
  complete(() => commands),
];
