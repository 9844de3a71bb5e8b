import { assertEquals } from "@std/assert";
import { failed, QUIET_RUN, samples, throughputs, VARIANTS } from "./fixtures.ts";
import { comparisons, summarize } from "./summary.ts";

Deno.test("summary: medians, and ratios of ztun to the proxy and to each peer", () => {
  assertEquals(summarize(QUIET_RUN, VARIANTS), [{
    name: "tcp-up-1",
    rows: [{
      figure: "throughput",
      medians: { direct: 20, proxy: 11, hev: 5, ztun: 10 },
      ratios: { "ztun / proxy": 10 / 11, "ztun / hev": 2 },
    }],
    noise: [],
    failures: [],
  }]);
});

Deno.test("summary: each ztun is compared with each reference", () => {
  const variants = [...VARIANTS, { kind: "ztun", name: "ztun-x", ztun: { flags: [] } } as const];
  assertEquals(comparisons(variants).map(({ name }) => name), [
    "ztun / proxy",
    "ztun / hev",
    "ztun-x / proxy",
    "ztun-x / hev",
  ]);
});

Deno.test("summary: no ratios where it was too noisy", () => {
  const noisy = throughputs({ direct: [10, 20, 30], proxy: [10, 10, 10], ztun: [9, 9, 9] });
  const [summary] = summarize(noisy, VARIANTS);
  assertEquals(summary!.rows[0]!.ratios, {});
  assertEquals(summary!.rows[0]!.medians, { direct: 20, proxy: 10, ztun: 9 });
  assertEquals(summary!.noise, ["the rounds of direct are 100 % apart"]);
});

Deno.test("summary: rows in the order of the scenario, no ratio of what is only shown", () => {
  const [summary] = summarize([
    ...samples("udp-64", "proxy", [{ delivered: 50, loss: 1, offered: 200 }]),
    ...samples("udp-64", "ztun", [{ delivered: 25, loss: 2, offered: 200, rssPeak: 60 }]),
  ], VARIANTS);
  assertEquals(summary!.rows.map(({ figure, ratios }) => [figure, ratios]), [
    ["delivered", { "ztun / proxy": 0.5 }],
    ["loss", {}],
    ["offered", {}],
    ["rssPeak", {}],
  ]);
});

Deno.test("summary: scenarios in the order of the run; rounds that failed alike are one remark", () => {
  const summaries = summarize([
    ...samples("crr", "ztun", [{ connections: 5 }]),
    failed("crr", "hev", 0),
    failed("crr", "hev", 2),
    ...samples("idle", "ztun", [{ wakeups: 0 }]),
  ], VARIANTS);
  assertEquals(summaries.map(({ name }) => name), ["idle", "crr"]);
  assertEquals(summaries[1]!.failures, [
    { variant: "hev", rounds: [1, 3], message: "no answer" },
  ]);
});

Deno.test("summary: nothing divided by nothing is no ratio", () => {
  const [summary] = summarize([
    ...samples("idle", "hev", [{ wakeups: 4, idleCpu: 0 }]),
    ...samples("idle", "ztun", [{ wakeups: 2, idleCpu: 0 }]),
  ], VARIANTS);
  assertEquals(summary!.rows.map(({ ratios }) => ratios), [{ "ztun / hev": 0.5 }, {}]);
});
