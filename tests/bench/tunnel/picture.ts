/** The first figure of each scenario as bars; a scenario without a verdict is left out. */

import { figureKind, showFigure } from "./figures.ts";
import type { ScenarioSummary } from "./summary.ts";
import { type Bar, type Group, svg } from "./svg.ts";
import type { Contestant } from "./variants.ts";

export function picture(
  summaries: readonly ScenarioSummary[],
  variants: readonly Contestant[],
): string | undefined {
  const groups = summaries
    .filter(({ noise, rows }) => noise.length === 0 && rows.length > 0)
    .map((summary) => groupOf(summary, variants));
  return groups.length === 0 ? undefined : svg(groups);
}

function groupOf({ name, rows }: ScenarioSummary, variants: readonly Contestant[]): Group {
  const { figure, medians } = rows[0]!;
  const { label, unit, better } = figureKind(figure);
  const bars = variants.flatMap((variant): Bar[] => {
    const value = medians[variant.name];
    if (value === undefined) return [];
    const text = `${showFigure(value)} ${unit}`.trim();
    return [{ label: variant.name, value, text, strong: variant.kind === "ztun" }];
  });
  return { title: `${name}: ${label}${better === "less" ? " (less is better)" : ""}`, bars };
}
