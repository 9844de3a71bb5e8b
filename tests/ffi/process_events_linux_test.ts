import { assert, assertEquals, assertThrows } from "@std/assert";
import { SysError } from "../../ffi/libc.ts";
import { ProcessEvents } from "../../ffi/process_events_linux.ts";
import { processEventsTest } from "../support/needs_process_events.ts";
import { HeldNamespace } from "../support/net_namespace.ts";
import { Running } from "../support/process.ts";
import { rootTest } from "../support/root.ts";

/** For each line it gives itself so many names. */
const RENAMES = `import ctypes, sys
libc = ctypes.CDLL(None)
print("ready", flush=True)
for line in sys.stdin:
    for turn in range(int(line)): libc.prctl(15, b"name%d" % turn, 0, 0, 0)
    print("done", flush=True)
`;

async function untilNamed(events: ProcessEvents, pid: number): Promise<void> {
  while (!(await events.next()).named.has(pid));
}

async function renaming(): Promise<Running> {
  const program = new Running("python", ["python3", "-c", RENAMES], { stdin: "piped" });
  await program.logged(/ready/);
  return program;
}

processEventsTest("a program that starts is told", async () => {
  const events = new ProcessEvents();
  await using program = new Running("sleep", ["sleep", "600"]);
  await untilNamed(events, program.pid);
  await events.close();
});

processEventsTest("one that gives itself another name is told", async () => {
  await using program = await renaming();
  const events = new ProcessEvents();
  await program.write("1\n");
  await untilNamed(events, program.pid);
  await events.close();
});

processEventsTest("that news were lost is told", async () => {
  await using program = await renaming();
  const events = new ProcessEvents();
  await program.write("100000\n");
  await program.logged(/done/);
  while (!(await events.next()).lost);
  await events.close();
});

processEventsTest("closing ends a wait", async () => {
  const events = new ProcessEvents();
  const waiting = (async () => {
    while ((await events.next()).named.size > 0);
  })();
  await events.close();
  await waiting;
  assertEquals(await events.next(), { named: new Set(), lost: false });
  await events.close();
});

rootTest("in another network there are none, and that is said", () => {
  const namespace = new HeldNamespace();
  try {
    const error = assertThrows(() => namespace.enter(() => new ProcessEvents()), SysError);
    assert(/process events|bind|socket/.test(error.message), error.message);
  } finally {
    namespace.close();
  }
});
