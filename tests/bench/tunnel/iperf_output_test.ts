import { assertEquals, assertThrows } from "@std/assert";
import { parseIperf } from "./iperf_output.ts";

const SUM = { bytes: 1_500_000_000, bits_per_second: 4e9, sender: true };

Deno.test("iperf3: the receiver's figure, whatever stands in front of the report", () => {
  const report = { end: { sum_sent: { bytes: 9, bits_per_second: 9 }, sum_received: SUM } };
  assertEquals(parseIperf(`[proxychains] loaded\n${JSON.stringify(report, null, 2)}\n`), {
    bits: 12e9,
    bitsPerSecond: 4e9,
    up: undefined,
    down: undefined,
  });
});

Deno.test("iperf3: both ways at once", () => {
  const back = { bytes: 750_000_000, bits_per_second: 2e9 };
  const report = { end: { sum_received: SUM, sum_received_bidir_reverse: back } };
  assertEquals(parseIperf(JSON.stringify(report)), {
    bits: 18e9,
    bitsPerSecond: 6e9,
    up: 4e9,
    down: 2e9,
  });
});

Deno.test("iperf3: its error, and a report without figures", () => {
  const failed = { end: {}, error: "unable to connect to server" };
  assertThrows(() => parseIperf(JSON.stringify(failed)), Error, "iperf3: unable to connect");
  assertThrows(() => parseIperf('{"end":{}}'), Error, "no figures of the receiver");
});
