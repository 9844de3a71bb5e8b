/** What `wrk --latency` prints. */

export interface WrkResult {
  requests: number;
  requestsPerSecond: number;
  /** Microseconds. */
  p50: number;
  p99: number;
}

const MICROSECONDS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 6e7 };

/** Throws when requests failed: their rate would say nothing. */
export function parseWrk(output: string): WrkResult {
  const failed = output.match(/Socket errors:.*|Non-2xx.*/);
  if (failed !== null) throw new Error(`wrk: ${failed[0]}`);
  return {
    requests: Number(find(output, /(\d+) requests in/)[1]),
    requestsPerSecond: Number(find(output, /Requests\/sec:\s+([\d.]+)/)[1]),
    p50: latency(output, 50),
    p99: latency(output, 99),
  };
}

function latency(output: string, percent: number): number {
  const [, value, unit] = find(output, new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)`, "m"));
  return Number(value) * MICROSECONDS[unit!]!;
}

function find(output: string, pattern: RegExp): RegExpMatchArray {
  const match = output.match(pattern);
  if (match === null) throw new Error(`wrk printed no ${pattern}: ${output}`);
  return match;
}
