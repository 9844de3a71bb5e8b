/** A Worker that signals a descriptor as soon as a thread of the process sleeps in io_uring. */

import { signalEventFd } from "../../ffi/event_fd_linux.ts";
import { waitsInRing } from "./blocked_thread.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ fd: number; thread: number }>) => void;
  postMessage(message: string): void;
};

scope.onmessage = ({ data: { fd, thread } }) => {
  while (!waitsInRing(thread));
  signalEventFd(fd);
};
scope.postMessage("ready");
