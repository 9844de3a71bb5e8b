/** Bars as a picture, readable on a light and on a dark page; each group has a scale of its own. */

export interface Bar {
  label: string;
  value: number;
  /** As it is written behind the bar. */
  text: string;
  /** Ours, and so in the strong colour. */
  strong: boolean;
}

export interface Group {
  title: string;
  bars: readonly Bar[];
}

const WIDTH = 720;
const LABELS = 120;
const LONGEST = WIDTH - LABELS - 130;
const TITLE = 30;
const STEP = 20;
const THICKNESS = 14;
const MARGIN = 12;

const STYLE = `text { font: 12px sans-serif; fill: #24292f; }
.title { font-weight: bold; }
.bar { fill: #8c959f; }
.strong { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .bar { fill: #6e7681; }
  .strong { fill: #4493f8; }
}`;

export function svg(groups: readonly Group[]): string {
  let top = 0;
  const drawn = groups.map((group) => {
    const text = drawGroup(group, top);
    top += TITLE + group.bars.length * STEP;
    return text;
  });
  const height = top + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<style>${STYLE}</style>
${drawn.join("")}</svg>
`;
}

function drawGroup({ title, bars }: Group, top: number): string {
  const largest = Math.max(...bars.map(({ value }) => value));
  const head = `<text class="title" x="0" y="${top + TITLE - 8}">${escape(title)}</text>\n`;
  const drawn = bars.map((bar, at) => drawBar(bar, top + TITLE + at * STEP, largest));
  return head + drawn.join("");
}

function drawBar({ label, value, text, strong }: Bar, y: number, largest: number): string {
  // A value of nothing keeps a line, so that it is seen to be there.
  const length = Math.max(1, largest > 0 ? Math.round(value / largest * LONGEST) : 0);
  const base = y + THICKNESS - 3;
  return [
    `<text x="${LABELS - 8}" y="${base}" text-anchor="end">${escape(label)}</text>`,
    `<rect class="bar${
      strong ? " strong" : ""
    }" x="${LABELS}" y="${y}" width="${length}" height="${THICKNESS}"/>`,
    `<text x="${LABELS + length + 6}" y="${base}">${escape(text)}</text>\n`,
  ].join("");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
