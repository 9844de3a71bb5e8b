import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { svg } from "./svg.ts";

function widths(text: string): number[] {
  return [...text.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
}

function bar(value: number, strong = false) {
  return { label: `v${value}`, value, text: `${value} Gbit/s`, strong };
}

Deno.test("svg: each group has a scale of its own, on which its largest is longest", () => {
  const text = svg([
    { title: "first", bars: [bar(20), bar(10), bar(5)] },
    { title: "second", bars: [bar(1)] },
  ]);
  const [longest, ...others] = widths(text);
  assertEquals(others, [longest! / 2, Math.round(longest! / 4), longest!]);
});

Deno.test("svg: a value of nothing is still seen", () => {
  assertEquals(widths(svg([{ title: "idle", bars: [bar(0), bar(0)] }])), [1, 1]);
});

Deno.test("svg: ours stands out, in both colour schemes", () => {
  const text = svg([{ title: "t", bars: [bar(1), bar(2, true)] }]);
  assertEquals(text.match(/class="bar strong"/g)!.length, 1);
  assertStringIncludes(text, "prefers-color-scheme: dark");
});

Deno.test("svg: text is text, and everything lies within the picture", () => {
  const text = svg([{ title: "a < b & c", bars: [bar(3), bar(4)] }]);
  assertStringIncludes(text, ">a &lt; b &amp; c<");
  const height = Number(text.match(/viewBox="0 0 \d+ (\d+)"/)![1]);
  const lowest = Math.max(...[...text.matchAll(/ y="(\d+)"/g)].map(([, y]) => Number(y)));
  assert(lowest < height);
});
