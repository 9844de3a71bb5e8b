/**
 * The C library's blocking sockets, for programs that put load on a tunnel: a call costs a fraction of a
 * microsecond more than it does in C, so the client's own part in a latency is small. Nothing here is the
 * product's: what is measured must not change the measure.
 */

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  usleep: { parameters: ["u32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

export const libc = Deno.dlopen("libc.so.6", symbols).symbols;

const errnoCell = new Int32Array(
  Deno.UnsafePointerView.getArrayBuffer(libc.__errno_location()!, 4),
);

/** Why the last call failed. */
export function errno(): number {
  return errnoCell[0]!;
}

export const EAGAIN = 11;
export const ECONNREFUSED = 111;
/** What `connect` says when its patience is over; the other calls say EAGAIN. */
const EINPROGRESS = 115;

/** Throws when `result` says that the call failed; gives it back otherwise. */
export function check(call: string, result: number): number {
  if (result >= 0) return result;
  const code = errno();
  const late = code === EAGAIN || code === EINPROGRESS;
  throw new Error(late ? `${call}: no answer in time` : `${call}: errno ${code}`);
}

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;

export function setOption(fd: number, level: number, option: number, value: number): void {
  const bytes = new Uint8Array(128);
  new DataView(bytes.buffer).setInt32(0, value, true);
  check("setsockopt", libc.setsockopt(fd, level, option, bytes, 4));
}

/** No call on the socket, `connect` among them, lasts longer. */
export function setPatience(fd: number, milliseconds: number): void {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, Math.floor(milliseconds / 1000), true);
  view.setInt32(8, (milliseconds % 1000) * 1000, true);
  for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) {
    check("setsockopt", libc.setsockopt(fd, SOL_SOCKET, option, bytes, 16));
  }
}

/** The kernel caps it at its own limit. */
export function setBuffers(fd: number, size: number): void {
  for (const option of [SO_SNDBUF, SO_RCVBUF]) setOption(fd, SOL_SOCKET, option, size);
}
