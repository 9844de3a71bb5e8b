import { assertEquals } from "@std/assert";
import { attachCgroupMark, hasCgroupMark } from "../../../../ffi/cgroup_mark_linux.ts";
import { undoChange } from "../../../../src/host/owner/changes.ts";
import { readProcess } from "../../../../src/host/owner/process_table.ts";
import { TestCgroup } from "../../../support/test_cgroup.ts";
import { Running } from "../../../support/process.ts";
import { rootTest } from "../../../support/root.ts";

const MARK = 4712;
const PROGRAM = `import socket, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin: print("mark", one.getsockopt(1, 36), end=".\\n", flush=True)
`;

rootTest("sockets that were born with the mark lose it when the cgroup does", async () => {
  await using cgroup = new TestCgroup();
  const { mount, path, directory } = cgroup;
  attachCgroupMark(directory, MARK);
  const command = cgroup.within(["python3", "-c", PROGRAM]);
  await using python = new Running("python", command, { stdin: "piped" });
  await python.write("\n");
  await python.logged(new RegExp(`mark ${MARK}\\.`));
  await undoChange({ kind: "cgroup-mark", mount, path, mark: MARK });
  assertEquals(hasCgroupMark(directory, MARK), false);
  await python.write("\n");
  await python.logged(/mark 0\./);
  await undoChange({ kind: "cgroup-mark", mount, path, mark: MARK });
});

rootTest("a process that goes back takes no mark along", async () => {
  await using home = new TestCgroup();
  await using cgroup = new TestCgroup();
  const { mount, path } = cgroup;
  attachCgroupMark(cgroup.directory, MARK);
  const command = cgroup.within(["python3", "-c", PROGRAM]);
  await using python = new Running("python", command, { stdin: "piped" });
  await python.write("\n");
  await python.logged(new RegExp(`mark ${MARK}\\.`));
  const { pid, startTime } = readProcess(python.pid)!;
  const moved = [{ pid, startTime, from: home.path }];
  await undoChange({ kind: "cgroup-move", mount, path, mark: MARK, moved });
  assertEquals(readProcess(pid)?.cgroup, home.path);
  await python.write("\n");
  await python.logged(/mark 0\./);
});

rootTest("what went away by itself needs no undoing", async () => {
  const { mount, path } = await goneCgroup();
  await undoChange({ kind: "socket-marks", mark: MARK, sockets: [] });
  await undoChange({ kind: "cgroup-move", mount, path, mark: MARK, moved: [] });
  await undoChange({ kind: "cgroup-mark", mount, path, mark: MARK });
  await undoChange({ kind: "cgroup", mount, path, home: "/" });
});

async function goneCgroup(): Promise<TestCgroup> {
  await using cgroup = new TestCgroup();
  return cgroup;
}
