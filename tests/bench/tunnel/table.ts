/** The result as a Markdown table, and in words what stands against a verdict. */

import { describe, figureKind, type FigureName, showFigure } from "./figures.ts";
import type { Comparison, Row, ScenarioSummary } from "./summary.ts";

const NOTHING = "–";
const LEGEND = "\n↓ less is better\n";

export function table(
  summaries: readonly ScenarioSummary[],
  variants: readonly string[],
  compared: readonly Comparison[],
): string {
  const head = ["scenario", "figure", ...variants, ...compared.map(({ name }) => name)];
  const rule = head.map((_, at) => at < 2 ? "---" : "--:");
  const rows = summaries.flatMap(({ name, rows }) =>
    rows.map((row) => [name, marked(row.figure), ...cells(row, variants, compared)])
  );
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("") + LEGEND;
}

function cells(
  { medians, ratios }: Row,
  variants: readonly string[],
  compared: readonly Comparison[],
): string[] {
  return [
    ...variants.map((name) => medians[name] === undefined ? NOTHING : showFigure(medians[name])),
    ...compared.map(({ name }) => ratios[name] === undefined ? NOTHING : ratios[name].toFixed(2)),
  ];
}

/** Where less is better, a ratio below one is the good one: the table must not leave that to memory. */
function marked(figure: FigureName): string {
  return describe(figure) + (figureKind(figure).better === "less" ? " ↓" : "");
}

/** One line for each scenario without a verdict, and for each sample that failed. */
export function remarks(summaries: readonly ScenarioSummary[]): string[] {
  return summaries.flatMap(({ name, noise, failures }) => [
    ...noise.length === 0 ? [] : [`${name}: no verdict, too noisy: ${noise.join("; ")}`],
    ...failures.map(({ variant, rounds, message }) =>
      `${name}: ${variant} failed in round ${rounds.join(", ")}: ${message}`
    ),
  ]);
}
