/**
 * The part of the kernel's `uapi/linux/io_uring.h` that ztun uses: numbers and layouts, no code.
 *
 * Layouts are given in 32-bit words: all that is longer is an address or the two halves of user data.
 */

/** Operations. What the probe asks the kernel for is this list. */
export const Opcode = {
  Nop: 0,
  Writev: 2,
  PollAdd: 6,
  PollRemove: 7,
  Timeout: 11,
  TimeoutRemove: 12,
  AsyncCancel: 14,
  Connect: 16,
  Close: 19,
  Read: 22,
  Send: 26,
  Recv: 27,
  ReadMultishot: 49,
} as const;

/** `struct io_uring_sqe`: one request. */
export const REQUEST_WORDS = 16;
export const Request = {
  /** Opcode (8 bits), flags of the request (8), priority or flags of the operation (16). */
  Operation: 0,
  Fd: 1,
  Offset: 2,
  Address: 4,
  Length: 6,
  OperationFlags: 7,
  Tag: 8,
  Kind: 9,
  BufferGroup: 10,
} as const;

/** IOSQE_BUFFER_SELECT, where it stands in the first word. */
export const BUFFER_SELECT = 1 << (8 + 5);
/** IOSQE_CQE_SKIP_SUCCESS, where it stands in the first word. */
export const QUIET_SUCCESS = 1 << (8 + 6);
/** IORING_RECVSEND_POLL_FIRST, where it stands in the first word. */
export const POLL_FIRST = 1 << 16;
export const POLL_ADD_MULTI = 1;

/** IORING_TIMEOUT_UPDATE: another time instead of none. */
export const TIMEOUT_UPDATE = 2;

export const CANCEL_ALL = 1;
export const CANCEL_FD = 2;
export const CANCEL_ANY = 4;

/** `struct io_uring_cqe`: one completion. */
export const COMPLETION_WORDS = 4;
export const Completion = { Tag: 0, Kind: 1, Result: 2, Flags: 3 } as const;

export const COMPLETION_HAS_BUFFER = 1;
export const COMPLETION_HAS_MORE = 2;

/** `struct io_uring_params`: what the kernel is asked for, and where it has put the queues. */
export const Parameter = {
  Requests: 0,
  Completions: 1,
  Flags: 2,
  Features: 5,
  RequestHead: 10,
  RequestTail: 11,
  CompletionHead: 20,
  CompletionTail: 21,
  CompletionArray: 25,
} as const;

const SETUP_CQSIZE = 1 << 3;
const SETUP_CLAMP = 1 << 4;
const SETUP_SUBMIT_ALL = 1 << 7;
const SETUP_SINGLE_ISSUER = 1 << 12;
const SETUP_DEFER_TASKRUN = 1 << 13;
const SETUP_NO_SQARRAY = 1 << 16;

/**
 * One thread submits and reaps, and the kernel works for the ring only while that thread is in
 * `io_uring_enter`. The youngest of these flags came with Linux 6.6, multishot reads with 6.7: there is
 * nothing to step down to.
 */
export const SETUP_FLAGS = SETUP_CQSIZE | SETUP_CLAMP | SETUP_SUBMIT_ALL | SETUP_SINGLE_ISSUER |
  SETUP_DEFER_TASKRUN | SETUP_NO_SQARRAY;

export const FEATURE_EXT_ARG = 1 << 8;
export const FEATURE_NO_IOWAIT = 1 << 17;

export const ENTER_GETEVENTS = 1;
export const ENTER_EXT_ARG = 1 << 3;
export const ENTER_NO_IOWAIT = 1 << 7;

/** Where the requests are mapped; both queues are at 0. */
export const OFFSET_REQUESTS = 0x1000_0000;

/** `struct io_uring_buf`: a buffer that is provided; 16 bytes. The queue's tail hides in the first one. */
export const BufferEntry = {
  Size: 16,
  Words: 4,
  Address: 0,
  Length: 2,
  Halves: 8,
  NumberHalf: 6,
  TailHalf: 7,
} as const;

/** `struct io_uring_buf_reg`. */
export const BufferRegistration = { Address: 0, Entries: 2, Group: 3 } as const;

/** `struct io_uring_probe`, in bytes: a head, then one place per operation. */
export const OperationProbe = {
  Operations: 256,
  Head: 16,
  Place: 8,
  Flags: 2,
  Supported: 1,
} as const;

export const REGISTER_PROBE = 8;
export const REGISTER_BUFFER_RING = 22;
export const UNREGISTER_BUFFER_RING = 23;
