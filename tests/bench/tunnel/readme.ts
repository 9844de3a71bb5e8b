/** The README's section about speed, and its picture: the figures that matter to a user. */

import type { FigureName } from "./figures.ts";
import { picture } from "./picture.ts";
import type { Described, Result } from "./result.ts";
import type { ScenarioName } from "./scenario_names.ts";
import { comparisons, type ScenarioSummary, summarize } from "./summary.ts";
import { remarks, table } from "./table.ts";

/** Besides the first figure of each scenario. */
const ALSO: Readonly<Record<ScenarioName, readonly FigureName[]>> = {
  "start": [],
  "idle": ["idleCpu", "rssAfter"],
  "tcp-up-1": ["cpuPerGbit"],
  "tcp-down-1": ["cpuPerGbit"],
  "tcp-up-10": ["cpuPerGbit"],
  "tcp-down-10": ["cpuPerGbit"],
  "tcp-bidir": ["cpuPerGbit"],
  "rr": ["p99", "cpuPerThousand"],
  "rr-50": ["cpuPerThousand"],
  "crr": ["p99", "cpuPerThousand"],
  "short-mix": ["cpuPerThousand"],
  "udp-64": ["cpuPerThousand"],
  "udp-1400": ["cpuPerThousand"],
  "udp-gso": ["cpuPerThousand"],
  "udp-64-down": ["cpuPerThousand"],
  "udp-1400-down": ["cpuPerThousand"],
  "flows-1000": ["rssAfter"],
  "flows-10000": ["rssAfter"],
};

/** One of each kind; the table has the others. */
const DRAWN: readonly ScenarioName[] = [
  "tcp-up-1",
  "tcp-down-1",
  "rr",
  "rr-50",
  "crr",
  "udp-64",
  "udp-1400",
];

export function speedSection(result: Result, picturePath: string | undefined): string {
  const { variants } = result;
  const summaries = summarize(result.samples, variants).map(shortened);
  const names = variants.map(({ name }) => name);
  const drawn = picturePath === undefined
    ? ""
    : `![Bars: the first figure of some scenarios](${picturePath})\n\n`;
  const notes = remarks(summaries).map((line) => `- ${line}\n`).join("");
  return `${conditions(result)}

${variants.map(legend).join("\n")}

${drawn}${table(summaries, names, comparisons(variants))}${notes === "" ? "" : `\n${notes}`}`
    .trimEnd();
}

export function speedPicture({ samples, variants }: Result): string | undefined {
  const summaries = summarize(samples, variants);
  return picture(summaries.filter(({ name }) => DRAWN.includes(name)), variants);
}

function shortened(summary: ScenarioSummary): ScenarioSummary {
  const rows = summary.rows.filter(({ figure }, at) =>
    at === 0 || ALSO[summary.name].includes(figure)
  );
  return { ...summary, rows };
}

function conditions({ date, machine, rounds, seconds }: Result): string {
  const { cpus, cpu, kernel, deno } = machine;
  // What a builder of kernels puts behind its number says nothing to others.
  const linux = kernel.match(/^\d+\.\d+/)?.[0] ?? kernel;
  const where = `${cpus} CPUs (${cpu}), Linux ${linux}, Deno ${deno}, ${date.slice(0, 10)}`;
  return `Medians of ${rounds} rounds of ${seconds} s on ${where}:`;
}

function legend({ name, about }: Described): string {
  return `- \`${name}\`: ${about}`;
}
