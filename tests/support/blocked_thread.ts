/** Threads of this process, and whether they sleep in io_uring: seen from another thread. */

const IO_URING_ENTER = 426;

/** The thread that this runs on. */
export function thisThread(): number {
  return Number(Deno.readLinkSync("/proc/thread-self").split("/").at(-1));
}

/** Whether the thread sleeps in `io_uring_enter` just now. */
export function waitsInRing(thread: number): boolean {
  return Deno.readTextFileSync(`/proc/self/task/${thread}/syscall`)
    .startsWith(`${IO_URING_ENTER} `);
}
