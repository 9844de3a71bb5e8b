/** Durations (`500ms`, `2h30m`) and sizes (`64KiB`): texts to numbers and back. */

/** A value that cannot be used. The message is a phrase that follows the setting's name. */
export class ValueError extends Error {
  override readonly name = "ValueError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ["GiB", 1 << 30],
  ["MiB", 1 << 20],
  ["KiB", 1 << 10],
  ["B", 1],
];

/** Milliseconds. Units must fall (`2h30m`, not `30m2h`), so that each is named once. */
export function parseDuration(text: string): number {
  const part = /(\d{1,12}(?:\.\d{1,6})?)(ms|d|h|m|s)/y;
  let total = 0;
  let lastFactor = Infinity;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    const factor = DURATION_UNITS.find(([unit]) => unit === match?.[2])?.[1];
    if (match === null || factor === undefined || factor >= lastFactor) throw badDuration(text);
    total += Number(match[1]) * factor;
    lastFactor = factor;
  }
  if (text === "") throw badDuration(text);
  return Math.round(total);
}

function badDuration(text: string): ValueError {
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) {
    return new ValueError(
      "a duration needs a unit",
      `${text}s for seconds, ${text}ms for milliseconds`,
    );
  }
  return new ValueError("is not a duration", "for example 500ms, 5s, 2m, 1h or 2h30m");
}

/** Bytes. */
export function parseSize(text: string): number {
  const match = /^(\d{1,15})(B|KiB|MiB|GiB)?$/.exec(text);
  if (match === null) {
    const near = /^(\d{1,15})([KMG])B?$/i.exec(text);
    const hint = near === null
      ? "for example 64KiB, 1MiB, 2GiB, or a number of bytes"
      : `did you mean ${near[1]}${near[2]?.toUpperCase()}iB?`;
    throw new ValueError("is not a size", hint);
  }
  const factor = SIZE_UNITS.find(([unit]) => unit === match[2])?.[1] ?? 1;
  return Number(match[1]) * factor;
}

/** The shortest text that `parseDuration` reads back as the same. */
export function formatDuration(milliseconds: number): string {
  let left = milliseconds;
  let text = "";
  for (const [unit, factor] of DURATION_UNITS) {
    const count = Math.floor(left / factor);
    if (count > 0) text += `${count}${unit}`;
    left -= count * factor;
  }
  return text || "0s";
}

/** The shortest exact text in one unit. */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of SIZE_UNITS) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return "0B";
}
