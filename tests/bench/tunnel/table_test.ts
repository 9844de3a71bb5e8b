import { assertEquals } from "@std/assert";
import { failed, QUIET_RUN, samples, throughputs, VARIANTS } from "./fixtures.ts";
import { comparisons, summarize } from "./summary.ts";
import { remarks, table } from "./table.ts";

const NAMES = VARIANTS.map(({ name }) => name);
const COMPARED = comparisons(VARIANTS);

Deno.test("table: figures and ratios; it says where less is better", () => {
  const latencies = [
    ...samples("rr", "proxy", [{ p50: 20 }]),
    ...samples("rr", "ztun", [{ p50: 30.04 }]),
  ];
  assertEquals(
    table(summarize([...QUIET_RUN, ...latencies], VARIANTS), NAMES, COMPARED),
    `| scenario | figure | direct | proxy | hev | ztun | ztun / proxy | ztun / hev |
| --- | --- | --: | --: | --: | --: | --: | --: |
| tcp-up-1 | throughput, Gbit/s | 20 | 11 | 5 | 10 | 0.91 | 2.00 |
| rr | p50, µs ↓ | – | 20 | – | 30 | 1.50 | – |

↓ less is better
`,
  );
});

Deno.test("remarks: why there is no verdict, and what failed", () => {
  const noisy = throughputs({ proxy: [10, 20, 30] });
  const summaries = summarize([...noisy, failed("tcp-up-1", "ztun", 1)], VARIANTS);
  assertEquals(remarks(summaries), [
    "tcp-up-1: no verdict, too noisy: the rounds of proxy are 100 % apart",
    "tcp-up-1: ztun failed in round 2: no answer",
  ]);
  assertEquals(remarks(summarize(QUIET_RUN, VARIANTS)), []);
});
