/** A Worker with a ring of its own, in which it sleeps until somebody signals its descriptor. */

import { EventFd } from "../../ffi/event_fd_linux.ts";
import { Memory } from "../../ffi/memory.ts";
import { Ring } from "../../ffi/uring_linux.ts";
import { thisThread } from "./blocked_thread.ts";

const scope = globalThis as unknown as { postMessage(message: unknown): void };

const memory = new Memory(4_096);
const ring = new Ring({ entries: 8, completions: 16, memory });
const event = new EventFd();
ring.read(event.fd, 0, 8, 11, 12);
scope.postMessage({ fd: event.fd, thread: thisThread() });
while (ring.ready() === 0) ring.wait(Infinity);
scope.postMessage({
  tag: ring.completionTag(0),
  kind: ring.completionKind(0),
  result: ring.completionResult(0),
  signals: memory.bytes[0],
});
ring.close();
event.close();
