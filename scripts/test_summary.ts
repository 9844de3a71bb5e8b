/**
 * Reads the line that `deno test` ends with. The JUnit report would not do: it counts steps as tests and
 * filtered tests as skipped, and leaves out a module that failed to load.
 */

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 };

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/gm;

/**
 * The counts in what `deno test` printed. A run that ended badly without a failed test (no summary, a
 * crash after it) counts as one failure: it must never look like success.
 */
export function summaryIn(output: string, exitCode: number): Tally {
  const last = [...output.matchAll(SUMMARY)].at(-1);
  if (last === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const tally = { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) };
  if (exitCode !== 0 && tally.failed === 0) tally.failed = 1;
  return tally;
}

export function sum(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

export function tallyText({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
