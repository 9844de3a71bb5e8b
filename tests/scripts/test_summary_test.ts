import { assertEquals } from "@std/assert";
import { sum, summaryIn, tallyText } from "../../scripts/test_summary.ts";

Deno.test("summary: steps, ignored and filtered tests stand beside the counts", () => {
  assertEquals(summaryIn("ok | 12 passed | 0 failed (1s)\n", 0), {
    passed: 12,
    failed: 0,
    skipped: 0,
  });
  const full =
    "x\nFAILED | 1 passed (1 step) | 2 failed (1 step) | 3 ignored | 4 filtered out (61ms)\n\n";
  assertEquals(summaryIn(full, 1), { passed: 1, failed: 2, skipped: 3 });
});

Deno.test("summary: the last summary counts, one that a test printed does not", () => {
  const output = "ok | 99 passed | 0 failed (1s)\n...\nFAILED | 1 passed | 1 failed (2s)\n";
  assertEquals(summaryIn(output, 1), { passed: 1, failed: 1, skipped: 0 });
});

Deno.test("summary: a run that broke off is a failure", () => {
  assertEquals(summaryIn("thread 'main' panicked", 101), { passed: 0, failed: 1, skipped: 0 });
  assertEquals(summaryIn("ok | 3 passed | 0 failed (1s)\n", 134), {
    passed: 3,
    failed: 1,
    skipped: 0,
  });
});

Deno.test("summary: totals are one line", () => {
  const total = sum({ passed: 1, failed: 2, skipped: 0 }, { passed: 3, failed: 0, skipped: 0 });
  assertEquals(tallyText(total), "4 passed, 2 failed");
  assertEquals(tallyText({ ...total, skipped: 5 }), "4 passed, 2 failed, 5 skipped");
});
