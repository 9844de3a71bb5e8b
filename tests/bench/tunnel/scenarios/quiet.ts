/** Without load: how soon a tunnel carries its first byte, and what it does when nothing comes. */

import { wakeupsBetween } from "../proc_text.ts";
import { type Outcome, pause, type Scenario, type Turn } from "./scenario.ts";

/** After its start a tunnel may look around for a while. */
const CALM_SECONDS = 3;
/** What the figures are given for, however long was measured. */
const REPORTED_SECONDS = 20;

export const QUIET: readonly Scenario[] = [
  { name: "start", controls: false, tunnel: "own", measure: start },
  { name: "idle", controls: false, tunnel: "fresh", measure: idle },
];

async function start({ client }: Turn): Promise<Outcome> {
  return { figures: { firstByte: await client.tunnel!.start() } };
}

async function idle({ client, options }: Turn): Promise<Outcome> {
  const tree = client.tunnel!.tree();
  await pause(CALM_SECONDS);
  const [sleeps, cpu] = [tree.sleeps(), tree.cpuSeconds()];
  await pause(options.idleSeconds);
  const factor = REPORTED_SECONDS / options.idleSeconds;
  return {
    figures: {
      wakeups: wakeupsBetween(sleeps, tree.sleeps()) * factor,
      idleCpu: (tree.cpuSeconds() - cpu) * 1000 * factor,
      rssAfter: tree.residentMib(),
    },
  };
}
