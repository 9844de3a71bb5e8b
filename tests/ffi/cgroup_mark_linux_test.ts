import { assert, assertEquals, assertThrows } from "@std/assert";
import { attachCgroupMark, detachCgroupMark, hasCgroupMark } from "../../ffi/cgroup_mark_linux.ts";
import { SysError } from "../../ffi/libc.ts";
import { TestCgroup } from "../support/test_cgroup.ts";
import { must } from "../support/process.ts";
import { rootTest } from "../support/root.ts";

const MARK = 0x8a11ce01;

/** The marks of two sockets, IPv4 and IPv6, that a program makes in there. */
async function marksIn(cgroup: TestCgroup, path = cgroup.path): Promise<number[]> {
  const program = `import socket
for family in socket.AF_INET, socket.AF_INET6:
    print(socket.socket(family, socket.SOCK_DGRAM).getsockopt(1, 36) & 0xffffffff)`;
  const output = await must(cgroup.within(["python3", "-c", program], path));
  return output.trim().split("\n").map(Number);
}

rootTest("sockets made in a cgroup and below carry its mark, those outside do not", async () => {
  await using cgroup = new TestCgroup();
  const below = cgroup.child("below");
  attachCgroupMark(cgroup.directory, MARK);
  assertEquals(await marksIn(cgroup), [MARK, MARK]);
  assertEquals(await marksIn(cgroup, below), [MARK, MARK]);
  assertEquals(await marksIn(cgroup, "/"), [0, 0]);
});

rootTest("a mark is attached once, and taken away by who knows it, twice over too", async () => {
  await using cgroup = new TestCgroup();
  attachCgroupMark(cgroup.directory, MARK);
  attachCgroupMark(cgroup.directory, MARK);
  attachCgroupMark(cgroup.directory, 5);
  detachCgroupMark(cgroup.directory, 5);
  assert(hasCgroupMark(cgroup.directory, MARK));
  assert(!hasCgroupMark(cgroup.directory, 5));
  detachCgroupMark(cgroup.directory, MARK);
  detachCgroupMark(cgroup.directory, MARK);
  assertEquals(await marksIn(cgroup), [0, 0]);
});

rootTest("no cgroup: nothing to take away, and nothing to attach to", () => {
  detachCgroupMark("/sys/fs/cgroup/no such cgroup", MARK);
  assertThrows(() => attachCgroupMark("/sys/fs/cgroup/no such cgroup", MARK), SysError, "open");
});
