import { assertEquals } from "@std/assert";
import type { ExemptionChange } from "../../../../src/host/owner/changes.ts";
import {
  type MarkedSockets,
  markSockets,
  unmarkSockets,
} from "../../../../src/host/owner/mark_sockets.ts";
import { readProcess } from "../../../../src/host/owner/process_table.ts";
import { Running } from "../../../support/process.ts";
import { rootTest } from "../../../support/root.ts";

const MARK = 4711;
/** TCP that listens, UDP with a mark of its own, a raw one, and one that is not for IP. */
const PROGRAM = `import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.setsockopt(1, 36, 5)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
local = socket.socketpair()
all = [listener, datagrams, raw]
for line in sys.stdin:
    if line == "accept\\n":
        client = socket.create_connection(listener.getsockname())
        all += [client, listener.accept()[0]]
    print("marks", *[each.getsockopt(1, 36) for each in all], ".", flush=True)
`;

class Rig implements AsyncDisposable {
  readonly python = new Running("python", ["python3", "-c", PROGRAM], { stdin: "piped" });
  readonly changes: ExemptionChange[] = [];
  #answers = 0;

  async marks(command = ""): Promise<number[]> {
    await this.python.write(`${command}\n`);
    const pattern = new RegExp(`(?:marks[^.]*\\.\\s+){${this.#answers++}}marks ([^.]*) \\.`);
    return (await this.python.logged(pattern))[1]!.split(" ").map(Number);
  }

  mark() {
    const process = readProcess(this.python.pid)!;
    return markSockets(() => [process], MARK, (change) => this.changes.push(change));
  }

  undo(): void {
    for (const change of JSON.parse(JSON.stringify(this.changes)).toReversed()) {
      unmarkSockets(change as MarkedSockets);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.python[Symbol.asyncDispose]();
  }
}

rootTest("every IP socket of a process gets the mark, and its own one back", async () => {
  await using rig = new Rig();
  assertEquals(await rig.marks(), [0, 5, 0]);
  assertEquals(rig.mark(), { marked: 3, complete: true, failures: [] });
  assertEquals(await rig.marks(), [MARK, MARK, MARK]);
  assertEquals(rig.mark(), { marked: 0, complete: true, failures: [] });
  rig.undo();
  assertEquals(await rig.marks(), [0, 5, 0]);
  rig.undo();
  assertEquals(await rig.marks(), [0, 5, 0]);
});

rootTest("a connection that was taken inherits the mark, and loses it too", async () => {
  await using rig = new Rig();
  await rig.marks();
  rig.mark();
  assertEquals(await rig.marks("accept"), [MARK, MARK, MARK, 0, MARK]);
  rig.undo();
  assertEquals(await rig.marks(), [0, 5, 0, 0, 0]);
});

rootTest("a mark that somebody else set since is left alone", async () => {
  await using rig = new Rig();
  await rig.marks();
  rig.mark();
  const others: ExemptionChange[] = [];
  markSockets(() => [readProcess(rig.python.pid)!], 99, (change) => others.push(change));
  rig.undo();
  assertEquals(await rig.marks(), [99, 99, 99]);
});

rootTest("a process that ended, or whose number is another's, has no sockets to mark", async () => {
  await using rig = new Rig();
  await rig.marks();
  const { pid, startTime } = readProcess(rig.python.pid)!;
  const record = (change: ExemptionChange) => rig.changes.push(change);
  const nothing = { marked: 0, complete: true, failures: [] };
  assertEquals(markSockets(() => [{ pid, startTime: startTime + 1 }], MARK, record), nothing);
  await rig.python.kill();
  assertEquals(markSockets(() => [{ pid, startTime }], MARK, record), nothing);
  assertEquals(rig.changes, []);
});
