/** What `iperf3 -J` reports. */

export interface IperfResult {
  /** Bits that the receivers got, and how many a second. */
  bits: number;
  bitsPerSecond: number;
  /** The two ways of a test with `--bidir`. */
  up: number | undefined;
  down: number | undefined;
}

interface Sum {
  bytes: number;
  bits_per_second: number;
}

interface Report {
  error?: string;
  end: { sum_received?: Sum; sum_received_bidir_reverse?: Sum };
}

/** Other programs may have printed in front of it. */
export function parseIperf(output: string): IperfResult {
  const report = JSON.parse(output.slice(Math.max(0, output.indexOf("{")))) as Report;
  const { sum_received: up, sum_received_bidir_reverse: down } = report.end;
  if (report.error !== undefined || up === undefined) {
    throw new Error(`iperf3: ${report.error ?? "no figures of the receiver"}`);
  }
  return {
    bits: (up.bytes + (down?.bytes ?? 0)) * 8,
    bitsPerSecond: up.bits_per_second + (down?.bits_per_second ?? 0),
    up: down && up.bits_per_second,
    down: down?.bits_per_second,
  };
}
