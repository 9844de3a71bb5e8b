/** Tells when one of several processes ends (`man 2 pidfd_open`): nobody has to look. */

import { Errno, SysError } from "./libc.ts";
import { Poller } from "./poller_linux.ts";
import { ProcessHandle } from "./process_linux.ts";

export class ProcessExits {
  readonly #poller = new Poller();
  #watched: ProcessHandle[] = [];
  #closed = false;

  /** These, instead of the ones before. One that is gone already counts as ended. */
  watch(pids: readonly number[]): void {
    this.#forget();
    for (const pid of pids) this.#add(pid);
  }

  /** Resolves when one has ended: none is watched from then on. Or with the close. One waits at a time. */
  async next(): Promise<void> {
    await this.#poller.wait();
    if (!this.#closed) this.#forget();
  }

  get closed(): boolean {
    return this.#closed;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.wake();
    await this.#poller.wait();
    this.#forget();
    this.#poller.close();
  }

  #add(pid: number): void {
    try {
      const handle = new ProcessHandle(pid);
      this.#poller.add(handle.fd);
      this.#watched.push(handle);
    } catch (error) {
      if (!(error instanceof SysError) || error.code !== Errno.ESRCH) throw error;
      this.#poller.wake();
    }
  }

  #forget(): void {
    for (const handle of this.#watched.splice(0)) {
      this.#poller.remove(handle.fd);
      handle.close();
    }
  }
}
