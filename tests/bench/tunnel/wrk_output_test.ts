import { assertEquals, assertThrows } from "@std/assert";
import { parseWrk } from "./wrk_output.ts";

const OUTPUT = `Running 3s test @ http://203.0.113.10:80/small
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.17ms    1.02ms  20.11ms   94.52%
    Req/Sec    43.92k     2.10k   47.48k    70.00%
  Latency Distribution
     50%  980.00us
     75%    1.31ms
     90%    1.93ms
     99%    5.64ms
  131072 requests in 3.00s, 19.13MB read
Requests/sec:  43690.51
Transfer/sec:      6.38MB
`;

Deno.test("wrk: rate and latencies, in microseconds", () => {
  assertEquals(parseWrk(OUTPUT), {
    requests: 131072,
    requestsPerSecond: 43690.51,
    p50: 980,
    p99: 5640,
  });
});

Deno.test("wrk: a rate with errors in it is none", () => {
  const broken = OUTPUT.replace(
    "Requests/sec",
    "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec",
  );
  assertThrows(() => parseWrk(broken), Error, "Socket errors: connect 0, read 3");
  const refused = OUTPUT.replace("Requests/sec", "  Non-2xx or 3xx responses: 12\nRequests/sec");
  assertThrows(() => parseWrk(refused), Error, "Non-2xx or 3xx responses: 12");
});

Deno.test("wrk: no output is said to be none", () => {
  assertThrows(() => parseWrk("unable to connect"), Error, "wrk printed no");
});
