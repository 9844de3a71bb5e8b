/** The figures that samples have, and how they are shown. */

export interface FigureKind {
  label: string;
  unit: string;
  /** Which is better; a figure without it is shown, and not compared. */
  better?: "more" | "less";
}

export const FIGURES = {
  throughput: { label: "throughput", unit: "Gbit/s", better: "more" },
  up: { label: "of it up", unit: "Gbit/s", better: "more" },
  down: { label: "of it down", unit: "Gbit/s", better: "more" },
  requests: { label: "requests", unit: "1/s", better: "more" },
  connections: { label: "connections", unit: "1/s", better: "more" },
  flows: { label: "flows", unit: "1/s", better: "more" },
  p50: { label: "p50", unit: "µs", better: "less" },
  p99: { label: "p99", unit: "µs", better: "less" },
  delivered: { label: "delivered", unit: "packets/s", better: "more" },
  offered: { label: "offered", unit: "packets/s" },
  loss: { label: "loss", unit: "%" },
  firstByte: { label: "first byte after", unit: "ms", better: "less" },
  wakeups: { label: "wake-ups in 20 s", unit: "", better: "less" },
  idleCpu: { label: "CPU in 20 s", unit: "ms", better: "less" },
  openCpu: { label: "CPU to open", unit: "ms", better: "less" },
  holdCpu: { label: "CPU to hold, per second", unit: "ms", better: "less" },
  releaseCpu: { label: "CPU to release", unit: "ms", better: "less" },
  cpuPerGbit: { label: "CPU per Gbit", unit: "ms", better: "less" },
  cpuPerThousand: { label: "CPU per 1 000 requests or packets", unit: "ms", better: "less" },
  rssBefore: { label: "RSS before", unit: "MiB", better: "less" },
  rssPeak: { label: "RSS at peak", unit: "MiB", better: "less" },
  rssHeld: { label: "RSS held", unit: "MiB", better: "less" },
  rssAfter: { label: "RSS after", unit: "MiB", better: "less" },
} as const satisfies Record<string, FigureKind>;

export type FigureName = keyof typeof FIGURES;
export type Figures = Partial<Record<FigureName, number>>;

export function figureKind(name: FigureName): FigureKind {
  return FIGURES[name];
}

export function describe(name: FigureName): string {
  const { label, unit } = figureKind(name);
  return unit === "" ? label : `${label}, ${unit}`;
}

/** Three digits that count; whole numbers from a thousand on. */
export function showFigure(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toString();
  if (value === 0) return "0";
  return Number(value.toPrecision(3)).toString();
}
