/**
 * io_uring: requests are prepared in memory, handed over in one system call, and answered by completions.
 *
 * Nothing is allocated per request. Buffers are offsets into one block of packet memory; what a request
 * is for is said in two numbers of the caller's choice, `tag` and `kind`, which its completions bring
 * back. A ring belongs to the thread that made it: that thread submits and waits, and only while it is in
 * here does the kernel work for the ring. Another thread wakes it through a descriptor that it reads.
 */

import { addressOf, type Memory } from "./memory.ts";
import { Errno, SysError } from "./libc.ts";
import {
  BUFFER_SELECT,
  CANCEL_ALL,
  CANCEL_ANY,
  CANCEL_FD,
  Completion,
  COMPLETION_HAS_BUFFER,
  COMPLETION_HAS_MORE,
  COMPLETION_WORDS,
  ENTER_EXT_ARG,
  ENTER_GETEVENTS,
  ENTER_NO_IOWAIT,
  FEATURE_NO_IOWAIT,
  Opcode,
  POLL_ADD_MULTI,
  POLL_FIRST,
  QUIET_SUCCESS,
  Request,
  REQUEST_WORDS,
  TIMEOUT_UPDATE,
} from "./uring_abi_linux.ts";
import { type Kernel, systemCalls } from "./uring_kernel_linux.ts";
import { RingQueues } from "./uring_queues_linux.ts";

/** Where the `struct timespec` lies behind the `struct io_uring_getevents_arg`, in words. */
const TIMESPEC = 8;
const TIMESPEC_POINTER = 4;

/** For `send` and `recvInto`. */
export const MessageFlag = { WaitAll: 0x100, NoSignal: 0x4000 } as const;

export interface RingOptions {
  /** Requests that fit between two submissions: made a power of two. */
  readonly entries: number;
  /** Completions that may wait to be looked at: likewise. The kernel keeps what is more, at a price. */
  readonly completions: number;
  /** What the addresses of requests are offsets into. */
  readonly memory: Memory;
}

export class Ring {
  /** Not for epoll, which is told only of what `submit` and `wait` have reported. */
  readonly fd: number;
  /** What the kernel says that it can do besides. */
  readonly features: number;
  readonly memory: Memory;
  readonly #kernel: Kernel;
  readonly #queues: RingQueues;
  readonly #words: Int32Array;
  readonly #requests: Uint32Array;
  /**
   * Added where it waits: a thread that waits for packets is idle. Without it the system counts the time
   * as waiting for a disk: all of it, in `top` and in `/proc/stat`.
   */
  readonly #idle: number;
  readonly #argument = new Uint8Array(128);
  readonly #argumentWords = new Uint32Array(this.#argument.buffer);
  /** The time that is handed over with the next timeout. */
  readonly #timeout = new Uint8Array(128);
  readonly #timeoutWords = new Uint32Array(this.#timeout.buffer);
  readonly #timeoutAddress: Uint32Array;
  #requestTail: number;
  #completionHead: number;
  /** Requests that the kernel was not given yet. */
  #prepared = 0;
  #open = true;

  /** Throws a `SysError` when the kernel does not allow it. */
  constructor({ entries, completions, memory }: RingOptions, kernel: Kernel = systemCalls) {
    const queues = new RingQueues(kernel, entries, completions);
    this.fd = queues.fd;
    this.features = queues.features;
    this.memory = memory;
    this.#kernel = kernel;
    this.#queues = queues;
    this.#words = queues.words;
    this.#requests = queues.requests;
    this.#idle = (queues.features & FEATURE_NO_IOWAIT) === 0 ? 0 : ENTER_NO_IOWAIT;
    this.#requestTail = queues.words[queues.requestTailAt]!;
    this.#completionHead = queues.words[queues.completionHeadAt]!;
    const timespec = addressOf(this.#argument) + BigInt(TIMESPEC * 4);
    new BigUint64Array(this.#argument.buffer)[TIMESPEC_POINTER / 2] = timespec;
    this.#timeoutAddress = new Uint32Array(BigUint64Array.of(addressOf(this.#timeout)).buffer);
  }

  /** Does nothing, and completes with 0. */
  nop(tag: number, kind: number): void {
    this.#prepare(Opcode.Nop, 0, tag, kind);
  }

  /**
   * Receives up to `length` bytes to `at`; with `WaitAll`, not less unless the stream ends. Of a stream
   * there is one receive under way at a time, and one send: two would take turns in mid-buffer.
   */
  recvInto(
    fd: number,
    at: number,
    length: number,
    messageFlags: number,
    tag: number,
    kind: number,
  ): void {
    const request = this.#prepare(Opcode.Recv, fd, tag, kind);
    this.#setRange(request, at, length);
    this.#requests[request + Request.OperationFlags] = messageFlags;
  }

  /**
   * Receives once, into a buffer that the kernel takes from the group when there is something to receive;
   * at most `length` bytes, or what the buffer has room for when `length` is 0. With `pollFirst` it does
   * not try before the socket says that it has something: cheaper where that is not yet likely.
   */
  recvSelect(
    fd: number,
    group: number,
    length: number,
    pollFirst: boolean,
    tag: number,
    kind: number,
  ): void {
    const operation = Opcode.Recv | BUFFER_SELECT | (pollFirst ? POLL_FIRST : 0);
    const request = this.#prepare(operation, fd, tag, kind);
    this.#requests[request + Request.Length] = length;
    this.#requests[request + Request.BufferGroup] = group;
  }

  /** Sends `[at, end)`; with `WaitAll`, all of it unless the connection ends. */
  send(
    fd: number,
    at: number,
    end: number,
    messageFlags: number,
    tag: number,
    kind: number,
  ): void {
    const request = this.#prepare(Opcode.Send, fd, tag, kind);
    this.#setRange(request, at, end - at);
    this.#requests[request + Request.OperationFlags] = messageFlags;
  }

  /** Connects to the socket address at `addressAt`, which stays as it is until the completion. */
  connect(fd: number, addressAt: number, addressLength: number, tag: number, kind: number): void {
    const request = this.#prepare(Opcode.Connect, fd, tag, kind);
    this.memory.writeAddress(this.#requests, request + Request.Address, addressAt);
    this.#requests[request + Request.Offset] = addressLength;
  }

  /**
   * Closes a descriptor. What is under way on it goes on, until it is cancelled. Completes only when that
   * fails.
   */
  closeFd(fd: number, tag: number, kind: number): void {
    this.#prepare(Opcode.Close | QUIET_SUCCESS, fd, tag, kind);
  }

  /** Reads up to `length` bytes to `at`, from a file that has no position. */
  read(fd: number, at: number, length: number, tag: number, kind: number): void {
    this.#setRange(this.#prepare(Opcode.Read, fd, tag, kind), at, length);
  }

  /**
   * Reads again and again, each time into a buffer of the group: for a device. It goes on as long as
   * completions say `hasMore`; it ends with ENOBUFS when the group has no buffer left.
   */
  readMultishot(fd: number, group: number, tag: number, kind: number): void {
    const request = this.#prepare(Opcode.ReadMultishot | BUFFER_SELECT, fd, tag, kind);
    this.#requests[request + Request.BufferGroup] = group;
  }

  /**
   * Writes what `count` vectors (`struct iovec`) at `vectorAt` name, to a file that has no position. They
   * stay as they are until the completion.
   */
  writev(fd: number, vectorAt: number, count: number, tag: number, kind: number): void {
    this.#setRange(this.#prepare(Opcode.Writev, fd, tag, kind), vectorAt, count);
  }

  /** Completes with what is true of the descriptor as soon as some of `events` (`PollEvent`) is. */
  pollOnce(fd: number, events: number, tag: number, kind: number): void {
    this.#requests[this.#prepare(Opcode.PollAdd, fd, tag, kind) + Request.OperationFlags] = events;
  }

  /** As `pollOnce`, and again at every change, as long as completions say `hasMore`. */
  pollMultishot(fd: number, events: number, tag: number, kind: number): void {
    const request = this.#prepare(Opcode.PollAdd, fd, tag, kind);
    this.#requests[request + Request.OperationFlags] = events;
    this.#requests[request + Request.Length] = POLL_ADD_MULTI;
  }

  /** Ends the poll with that tag and kind, which completes with ECANCELED; itself with 0, or ENOENT. */
  pollRemove(pollTag: number, pollKind: number, tag: number, kind: number): void {
    this.#setTarget(this.#prepare(Opcode.PollRemove, 0, tag, kind), pollTag, pollKind);
  }

  /**
   * Completes with ETIME after so long. Of timeouts that are handed over together, all take the time of
   * the last one.
   */
  timeout(milliseconds: number, tag: number, kind: number): void {
    const request = this.#prepare(Opcode.Timeout, 0, tag, kind);
    this.#setTimeout(request + Request.Address, milliseconds);
    this.#requests[request + Request.Length] = 1;
  }

  /** Has the timeout with that tag and kind last so long from now; completes only with ENOENT. */
  timeoutUpdate(
    milliseconds: number,
    timeoutTag: number,
    timeoutKind: number,
    tag: number,
    kind: number,
  ): void {
    const request = this.#prepare(Opcode.TimeoutRemove | QUIET_SUCCESS, 0, tag, kind);
    this.#setTarget(request, timeoutTag, timeoutKind);
    this.#setTimeout(request + Request.Offset, milliseconds);
    this.#requests[request + Request.OperationFlags] = TIMEOUT_UPDATE;
  }

  /** Ends all that is under way on a descriptor; completes with how many requests that were. */
  cancelFd(fd: number, tag: number, kind: number): void {
    const request = this.#prepare(Opcode.AsyncCancel, fd, tag, kind);
    this.#requests[request + Request.OperationFlags] = CANCEL_ALL | CANCEL_FD;
  }

  /** Ends all that is under way on the ring; completes with how many requests that were. */
  cancelAll(tag: number, kind: number): void {
    const request = this.#prepare(Opcode.AsyncCancel, 0, tag, kind);
    this.#requests[request + Request.OperationFlags] = CANCEL_ALL | CANCEL_ANY;
  }

  /** Hands over what is prepared, and has everything reported that is done by now. */
  submit(): void {
    this.#enter(0, ENTER_GETEVENTS, null);
  }

  /**
   * As `submit`, and blocks the thread until something has completed or the time is over. It may come
   * back early, with nothing: the caller waits again.
   */
  wait(timeoutMs: number): void {
    if (this.ready() > 0) {
      if (this.#prepared > 0) this.submit();
      return;
    }
    if (timeoutMs === Infinity) {
      this.#enter(1, ENTER_GETEVENTS | this.#idle, null);
      return;
    }
    writeTimespec(this.#argumentWords, TIMESPEC, timeoutMs);
    this.#enter(1, ENTER_GETEVENTS | ENTER_EXT_ARG | this.#idle, this.#argument);
  }

  /** How many completions can be looked at: number 0 is the oldest. */
  ready(): number {
    return (Atomics.load(this.#words, this.#queues.completionTailAt) - this.#completionHead) | 0;
  }

  completionTag(index: number): number {
    return this.#completion(index, Completion.Tag) >>> 0;
  }

  completionKind(index: number): number {
    return this.#completion(index, Completion.Kind) >>> 0;
  }

  /** What the system call would have given, or `-errno`. */
  completionResult(index: number): number {
    return this.#completion(index, Completion.Result);
  }

  /** For `hasBuffer`, `bufferOf` and `hasMore`. */
  completionFlags(index: number): number {
    return this.#completion(index, Completion.Flags);
  }

  /** Gives the places of the oldest `count` completions back to the kernel. */
  consumed(count: number): void {
    this.#completionHead = (this.#completionHead + count) | 0;
    Atomics.store(this.#words, this.#queues.completionHeadAt, this.#completionHead);
  }

  /** Refuses with a `SysError` what the kernel refuses. */
  register(operation: number, argument: Uint8Array<ArrayBuffer>, count: number): void {
    const result = this.#kernel.register(this.fd, operation, argument, count);
    if (result < 0) throw new SysError("io_uring_register", -result);
  }

  /**
   * Closes the ring; it must not be used any more. The kernel cancels what is under way, but later:
   * whoever frees memory that requests name has cancelled them before, and seen them complete.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#queues.close();
  }

  /** A request with everything zero that is not said here; the index of its first word. */
  #prepare(operation: number, fd: number, tag: number, kind: number): number {
    if (this.#prepared === this.#queues.capacity) this.#makeRoom();
    const requests = this.#requests;
    const at = (this.#requestTail & (this.#queues.capacity - 1)) * REQUEST_WORDS;
    // For so few words a loop is faster than `fill`.
    for (let i = at; i < at + REQUEST_WORDS; i++) requests[i] = 0;
    requests[at + Request.Operation] = operation;
    requests[at + Request.Fd] = fd;
    requests[at + Request.Tag] = tag;
    requests[at + Request.Kind] = kind;
    this.#requestTail = (this.#requestTail + 1) | 0;
    this.#prepared++;
    return at;
  }

  #setRange(request: number, at: number, length: number): void {
    this.memory.writeAddress(this.#requests, request + Request.Address, at);
    this.#requests[request + Request.Length] = length;
  }

  #setTarget(request: number, tag: number, kind: number): void {
    this.#requests[request + Request.Address] = tag;
    this.#requests[request + Request.Address + 1] = kind;
  }

  #setTimeout(word: number, milliseconds: number): void {
    writeTimespec(this.#timeoutWords, 0, milliseconds);
    this.#requests[word] = this.#timeoutAddress[0]!;
    this.#requests[word + 1] = this.#timeoutAddress[1]!;
  }

  #completion(index: number, word: number): number {
    const place = (this.#completionHead + index) & (this.#queues.completions - 1);
    return this.#words[this.#queues.completionsAt + place * COMPLETION_WORDS + word]!;
  }

  #makeRoom(): void {
    const result = this.#enter(0, 0, null);
    if (this.#prepared === this.#queues.capacity) throw new SysError("io_uring_enter", -result);
  }

  #enter(least: number, flags: number, argument: Uint8Array<ArrayBuffer> | null): number {
    Atomics.store(this.#words, this.#queues.requestTailAt, this.#requestTail);
    const result = this.#kernel.enter(this.fd, this.#prepared, least, flags, argument);
    if (result >= 0) this.#prepared -= result;
    else if (!passes(-result)) throw new SysError("io_uring_enter", -result);
    return result;
  }
}

/** `struct __kernel_timespec`. */
function writeTimespec(words: Uint32Array, at: number, milliseconds: number): void {
  const left = Math.max(milliseconds, 0);
  const seconds = Math.floor(left / 1000);
  words[at] = seconds;
  words[at + 2] = (left - seconds * 1000) * 1e6;
}

/** Whether the next call may well succeed: what was prepared is still there for it. */
function passes(code: number): boolean {
  return code === Errno.EINTR || code === Errno.ETIME || code === Errno.EAGAIN ||
    code === Errno.EBUSY;
}

/** Whether a buffer of a group was used: not so at the end of a stream, nor for an error. */
export function hasBuffer(completionFlags: number): boolean {
  return (completionFlags & COMPLETION_HAS_BUFFER) !== 0;
}

/** Which buffer of the group was used. */
export function bufferOf(completionFlags: number): number {
  return completionFlags >>> 16;
}

/** Whether the same request will complete again; if not, it is over and has to be made anew. */
export function hasMore(completionFlags: number): boolean {
  return (completionFlags & COMPLETION_HAS_MORE) !== 0;
}
