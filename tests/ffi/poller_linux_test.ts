import { assert, assertEquals, assertThrows } from "@std/assert";
import { cString, Errno, libc, SysError } from "../../ffi/libc.ts";
import { Poller, PollEvent } from "../../ffi/poller_linux.ts";
import { sendReset } from "../../ffi/tcp_socket_linux.ts";
import { tcpPair } from "../support/descriptor_pairs.ts";
import { descriptorInfo, descriptorsWith } from "../support/descriptors.ts";
import { eventually } from "../support/eventually.ts";

const EFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** Poller's own buffer of events. */
const EVENTS = 64;

const eight = new Uint8Array(128);

/** A descriptor that is readable while its counter is not zero. */
function counter(value = 0): number {
  return libc().eventfd(value, EFD_NONBLOCK_CLOEXEC);
}

function raise(fd: number): void {
  eight.fill(0);
  eight[0] = 1;
  assertEquals(Number(libc().write(fd, eight, 8n)), 8);
}

function drain(fd: number): void {
  assertEquals(Number(libc().read(fd, eight, 8n)), 8);
}

function epollsWatching(fd: number): number[] {
  return descriptorsWith(new RegExp(`^tfd: +${fd} `, "m"));
}

function watchedBy(epoll: number): number[] {
  return [...descriptorInfo(epoll).matchAll(/^tfd: +(\d+)/gm)].map(([, fd]) => Number(fd));
}

function readyOnes(poller: Poller): number[] {
  return Array.from({ length: poller.ready() }, (_, index) => poller.readyAt(index))
    .sort((a, b) => a - b);
}

/** True when the promise has not settled by the time that everything else that is ready was done. */
async function isPending(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true);
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((next) => setImmediate(next));
  return !settled;
}

Deno.test("ready tells which descriptors can be read, as long as they can", () => {
  const poller = new Poller();
  const fds = [counter(), counter(), counter()] as const;
  for (const fd of fds) poller.add(fd);
  assertEquals(readyOnes(poller), []);
  raise(fds[1]);
  assertEquals(readyOnes(poller), [fds[1]]);
  assertEquals(readyOnes(poller), [fds[1]]);
  raise(fds[0]);
  assertEquals(readyOnes(poller), [fds[0], fds[1]].sort((a, b) => a - b));
  drain(fds[0]);
  drain(fds[1]);
  assertEquals(readyOnes(poller), []);
  poller.close();
  for (const fd of fds) libc().close(fd);
});

Deno.test("a descriptor that was removed is not told of, and can be added again", () => {
  const poller = new Poller();
  const fd = counter(1);
  poller.add(fd);
  assertThrows(() => poller.add(fd), SysError, "epoll_ctl failed: EEXIST");
  poller.remove(fd);
  assertEquals(readyOnes(poller), []);
  const error = assertThrows(() => poller.remove(fd), SysError);
  assertEquals(error.code, Errno.ENOENT);
  poller.add(fd);
  assertEquals(readyOnes(poller), [fd]);
  poller.close();
  libc().close(fd);
});

Deno.test("what is not open, or cannot be waited for, is refused", () => {
  const poller = new Poller();
  assertThrows(() => poller.add(0x7000_0000), SysError, "epoll_ctl failed: EBADF");
  const fd = libc().open(cString("/etc/hosts"), 0);
  assert(fd >= 0);
  assertThrows(() => poller.add(fd), SysError, "epoll_ctl failed: EPERM");
  poller.close();
  libc().close(fd);
});

Deno.test("more descriptors than one call tells of: each has its turn", () => {
  const poller = new Poller();
  const fds = Array.from({ length: 3 * EVENTS + 5 }, () => counter(1)).sort((a, b) => a - b);
  for (const fd of fds) poller.add(fd);
  const told = new Set<number>();
  for (let call = 0; call < fds.length; call++) {
    const ones = readyOnes(poller);
    if (ones.length === 0) break;
    assert(ones.length <= EVENTS);
    for (const fd of ones) {
      assert(!told.has(fd));
      told.add(fd);
      drain(fd);
    }
  }
  assertEquals([...told].sort((a, b) => a - b), fds);
  // Even if nobody reads them: the kernel goes round.
  for (const fd of fds) raise(fd);
  told.clear();
  for (let call = 0; call < 5; call++) for (const fd of readyOnes(poller)) told.add(fd);
  assertEquals(told.size, fds.length);
  poller.close();
  for (const fd of fds) libc().close(fd);
});

Deno.test("wait ends when a descriptor becomes ready, not before", async () => {
  const poller = new Poller();
  const fd = counter();
  poller.add(fd);
  const waiting = poller.wait();
  assert(await isPending(waiting));
  raise(fd);
  await waiting;
  assertEquals(readyOnes(poller), [fd]);
  // Still ready: the next wait ends too.
  await poller.wait();
  poller.close();
  libc().close(fd);
});

Deno.test("wait ends when it is woken, however many wait and however often it is woken", async () => {
  const poller = new Poller();
  const waits = [poller.wait(), poller.wait()];
  poller.wake();
  poller.wake();
  await Promise.all(waits);
  const next = poller.wait();
  assert(await isPending(next));
  poller.wake();
  await next;
  poller.close();
});

Deno.test("a wake before the wait counts for it, once", async () => {
  const poller = new Poller();
  poller.wake();
  await poller.wait();
  assertEquals(readyOnes(poller), []);
  const next = poller.wait();
  assert(await isPending(next));
  poller.wake();
  await next;
  poller.close();
});

Deno.test("a descriptor can be added while somebody waits", async () => {
  const poller = new Poller();
  const waiting = poller.wait();
  const fd = counter(1);
  poller.add(fd);
  await waiting;
  assertEquals(readyOnes(poller), [fd]);
  poller.close();
  libc().close(fd);
});

Deno.test("a watched descriptor that was closed is forgotten", async () => {
  const poller = new Poller();
  const fd = counter(1);
  poller.add(fd);
  libc().close(fd);
  // A program that another test starts just now may have a copy of it until it runs.
  await eventually("it to be forgotten", () => readyOnes(poller).length === 0 || undefined);
  poller.close();
});

Deno.test("closing closes what it has opened", async () => {
  const poller = new Poller();
  const fd = counter();
  poller.add(fd);
  const [epoll] = epollsWatching(fd);
  const watched = watchedBy(epoll!);
  assertEquals(watched.length, 2);
  const wakeup = watched.find((other) => other !== fd)!;
  // Numbers may be used again at once; who watches a descriptor knows whether it is still the same.
  const watcher = new Poller();
  for (const opened of [epoll!, wakeup]) watcher.add(opened);
  const own = epollsWatching(wakeup).find((other) => other !== epoll)!;
  assertEquals(watchedBy(own).length, 3);
  poller.close();
  await eventually("both to be closed", () => watchedBy(own).length === 1 || undefined);
  watcher.close();
  libc().close(fd);
});

/** What is told of the connection: undefined when nothing is. */
function toldOf(poller: Poller, fd: number): number | undefined {
  for (let index = poller.ready() - 1; index >= 0; index--) {
    if (poller.readyAt(index) === fd) return poller.eventsAt(index);
  }
  return undefined;
}

Deno.test("of a connection each change is told, once", () => {
  const [one, other] = tcpPair();
  const poller = new Poller();
  poller.addEdges(one);
  assertEquals(toldOf(poller, one), PollEvent.Writable);
  assertEquals(toldOf(poller, one), undefined);
  raise(other);
  assertEquals(toldOf(poller, one), PollEvent.Readable | PollEvent.Writable);
  // There is still something to read: nothing has changed.
  assertEquals(toldOf(poller, one), undefined);
  libc().shutdown(other, 1);
  assertEquals(
    toldOf(poller, one),
    PollEvent.Readable | PollEvent.Writable | PollEvent.Ended,
  );
  sendReset(other);
  assertEquals(
    toldOf(poller, one)! & (PollEvent.Error | PollEvent.HungUp),
    PollEvent.Error | PollEvent.HungUp,
  );
  poller.remove(one);
  assertEquals(toldOf(poller, one), undefined);
  for (const fd of [one, other]) libc().close(fd);
  poller.close();
});

Deno.test("an edge that has not been looked at ends a wait", async () => {
  const [one, other] = tcpPair();
  const poller = new Poller();
  poller.addEdges(one);
  await poller.wait();
  assertEquals(toldOf(poller, one), PollEvent.Writable);
  const waiting = poller.wait();
  assert(await isPending(waiting));
  raise(other);
  await waiting;
  assertEquals(toldOf(poller, one), PollEvent.Readable | PollEvent.Writable);
  for (const fd of [one, other]) libc().close(fd);
  poller.close();
});
