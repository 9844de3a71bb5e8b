/** What is said about tunnels that died, and about what became of their changes. */

import { printable } from "../../config/quote.ts";
import type { Orphan, Orphans } from "../../host/orphans.ts";
import type { Recovered, RecoverReport } from "../../host/recover.ts";
import type { HostLog } from "../../host/step.ts";
import type { CommandInput } from "../command.ts";

/** Shows warnings only: the commands are said when it is known what became of them. */
export function recoveryLog({ environment, terminal }: CommandInput): HostLog {
  const label = terminal.err("warning", "warning:");
  return {
    debug() {},
    warn: (message) => environment.err(`${label} ${printable(message)}\n`),
  };
}

/** A paragraph for each tunnel that died. */
export function recoveredText({ recovered }: RecoverReport): string {
  return recovered.map(oneRecovered).join("");
}

function oneRecovered({ device, pid, commands }: Recovered): string {
  const who = `${device} (process ${pid}) had died`;
  if (commands.length === 0) return `${who}; there was nothing to undo\n`;
  return `${who}; undone:\n${commands.map((command) => `  ${printable(command)}\n`).join("")}`;
}

/** One line for each tunnel that runs, and was left alone. */
export function aliveText({ alive }: RecoverReport): string {
  return alive.map(({ device, pid }) => {
    const name = device === "" ? `Process ${pid}` : `${device} (process ${pid})`;
    return `${name} is running, and was left alone\n`;
  }).join("");
}

/** One sentence each, without the full stop. */
export function orphanTexts({ found, unreadable }: Orphans): string[] {
  return [
    ...found.map(orphanText),
    ...unreadable.map((error) => error instanceof Error ? error.message : String(error)),
  ];
}

function orphanText({ pid, device, changes, killSwitch }: Orphan): string {
  const left = changes === 1 ? "1 change" : `${changes} changes`;
  const text = `The tunnel of process ${pid} (${device}) died and left ${left} to this host`;
  return killSwitch ? `${text}; its kill switch is still in force` : text;
}
