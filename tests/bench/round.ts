/** What one run of `deno bench --json` says, in terms of the reference that ran beside it. */

import { ARITHMETIC, STEPS, WALK } from "./reference.ts";

/** One bench in one round. */
export interface Reading {
  readonly name: string;
  readonly nanoseconds: number;
  /** The time divided by that of a reference step. */
  readonly cost: number;
}

/** The part of Deno's report that is read. */
export interface BenchReport {
  readonly benches: readonly Bench[];
}

interface Bench {
  readonly origin: string;
  readonly name: string;
  /** `N calls`: how many are timed together (`measure.ts`). */
  readonly group: string;
  readonly results: readonly {
    readonly ok?: { readonly min: number };
    readonly failed?: unknown;
  }[];
}

/** All readings of a report, the reference's own excepted. */
export function readRound(report: BenchReport): Reading[] {
  return report.benches.filter(({ name }) => !isReference(name)).map((bench) => {
    const nanoseconds = callTime(bench);
    return { name: bench.name, nanoseconds, cost: nanoseconds / step(report, bench.origin) };
  });
}

function isReference(name: string): boolean {
  return name === ARITHMETIC || name === WALK;
}

/** Nanoseconds of a step: the geometric mean, because neither kernel is to count more than the other. */
function step(report: BenchReport, origin: string): number {
  const kernels = [ARITHMETIC, WALK].map((name) => {
    const found = report.benches.filter((one) => one.origin === origin && one.name === name);
    if (found.length === 0) throw new Error(`Cannot read the report: no "${name}" in ${origin}`);
    return Math.min(...found.map(callTime)) / STEPS;
  });
  return Math.sqrt(kernels[0]! * kernels[1]!);
}

/** The lowest time is the operation's own; all above it is what the machine did besides. */
function callTime({ name, group, results }: Bench): number {
  const ok = results[0]?.ok;
  if (ok === undefined) throw new Error(`Cannot read the report: "${name}" failed`);
  return ok.min / Number.parseInt(group);
}
