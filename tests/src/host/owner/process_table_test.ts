import { assert, assertEquals } from "@std/assert";
import {
  isAlive,
  parseProcess,
  readProcess,
  readProcesses,
} from "../../../../src/host/owner/process_table.ts";

const STAT = "42 (a) b (c)) S 7 42 42 34816 42 4194304 0 0 0 0 0 0 0 0 20 0 1 0 998877 0 0";
const STATUS = "Name:\ta) b (c)\nPPid:\t7\nUid:\t0\t65534\t0\t65534\nGid:\t0\t0\t0\t0\n";

Deno.test("a process is read from its files, whatever its name is", () => {
  assertEquals(parseProcess(42, STAT, STATUS, "3:cpu:/x\n0::/user.slice/a b\n"), {
    pid: 42,
    startTime: 998877,
    name: "a) b (c)",
    parent: 7,
    uids: [0, 65534, 0, 65534],
    cgroup: "/user.slice/a b",
    leadsTerminal: true,
  });
});

Deno.test("a zombie is no process; without cgroup v2 the path is empty", () => {
  assertEquals(parseProcess(42, STAT.replace(" S ", " Z "), STATUS, "0::/"), undefined);
  assertEquals(parseProcess(42, STAT, STATUS, "3:cpu:/x\n")?.cgroup, "");
  assertEquals(parseProcess(42, STAT, STATUS, "0::/x (deleted)\n")?.cgroup, "/x");
  const background = STAT.replace(" 34816 ", " 0 ");
  assertEquals(parseProcess(42, background, STATUS, "")?.leadsTerminal, false);
});

Deno.test("this process is among all, and alive only with its own start time", () => {
  const self = readProcess(Deno.pid)!;
  assert(readProcesses().some(({ pid }) => pid === Deno.pid));
  assert(isAlive(self));
  assert(!isAlive({ ...self, startTime: self.startTime + 1 }));
  assertEquals(readProcess(0x3fff_ffff), undefined);
});
