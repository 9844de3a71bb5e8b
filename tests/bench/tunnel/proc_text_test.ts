import { assertEquals } from "@std/assert";
import { family, parseStat, statusNumber, stolenTicks, wakeupsBetween } from "./proc_text.ts";

const STAT = "4242 (tun (odd) name) S 17 4242 4242 0 -1 4194304 900 0 0 0 " +
  "150 50 7 3 20 0 5 0 12345 1000000 2500 18446744073709551615\n";

Deno.test("/proc/PID/stat: a name may hold parentheses and spaces", () => {
  assertEquals(parseStat(STAT), { pid: 4242, parent: 17, kernel: false, ticks: 210 });
});

Deno.test("/proc/PID/stat: the kernel's own", () => {
  const text = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 9 0 0 20 0 1 0 1 0 0 0\n";
  assertEquals(parseStat(text), { pid: 2, parent: 0, kernel: true, ticks: 9 });
});

Deno.test("/proc/PID/status: numbers by their names", () => {
  const text = "Name:\tVmRSS: 7\nVmRSS:\t    61234 kB\nnonvoluntary_ctxt_switches:\t9\n" +
    "voluntary_ctxt_switches:\t12\n";
  assertEquals(statusNumber(text, "VmRSS"), 61234);
  assertEquals(statusNumber(text, "voluntary_ctxt_switches"), 12);
  assertEquals(statusNumber(text, "VmSwap"), 0);
});

Deno.test("/proc/stat: what other guests took", () => {
  assertEquals(stolenTicks("cpu  57029 0 30360 179815 608 0 1989 82 0 0\ncpu0 1 2 3\n"), 82);
});

Deno.test("a process with all that descend from it", () => {
  const processes = [[1, 0], [10, 1], [11, 10], [12, 11], [20, 1]].map(([pid, parent]) => ({
    pid: pid!,
    parent: parent!,
    kernel: false,
    ticks: 0,
  }));
  assertEquals([...family(processes, 10)], [10, 11, 12]);
  assertEquals([...family(processes, 99)], [99]);
});

Deno.test("wake-ups: of threads that stay, that come, and that go", () => {
  const before = new Map([[1, 100], [2, 50], [3, 7]]);
  const after = new Map([[1, 104], [3, 7], [9, 2]]);
  assertEquals(wakeupsBetween(before, after), 4 + 2 + 1);
});
