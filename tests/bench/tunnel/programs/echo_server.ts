/**
 * Sends back what comes on each TCP connection; one thread, any number of connections. Prints `ready`.
 *
 *     echo_server.ts IP:PORT
 */

import { parseEndpoint, SOCKADDR_SIZE, socketAddress } from "./endpoint.ts";
import { check, EAGAIN, errno, libc, setOption } from "./libc.ts";
import { say } from "./say.ts";

const AF_INET = 2;
const SOCK_STREAM_NONBLOCK = 1 | 0o4000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const BACKLOG = 4096;
const EVENTS = 256;
/** `struct epoll_event` is packed: 32 bits of events, 64 of data, of which the first 32 hold the fd. */
const EVENT_SIZE = 12;

const buffer = new Uint8Array(65_536);
const event = new DataView(new ArrayBuffer(128));
const events = new DataView(new ArrayBuffer(EVENTS * EVENT_SIZE));
const epoll = check("epoll_create1", libc.epoll_create1(0));
const listener = check("socket", libc.socket(AF_INET, SOCK_STREAM_NONBLOCK, 0));

function watch(fd: number): void {
  event.setUint32(0, EPOLLIN, true);
  event.setInt32(4, fd, true);
  check("epoll_ctl", libc.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event));
}

function acceptAll(): void {
  while (true) {
    const fd = libc.accept4(listener, null, null, SOCK_NONBLOCK);
    if (fd < 0) return;
    setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    watch(fd);
  }
}

/** A client sends little, and waits for it to come back: all of it fits into the socket's buffer. */
function echo(fd: number): void {
  const length = libc.recv(fd, buffer, BigInt(buffer.length), 0);
  if (length > 0) libc.send(fd, buffer, BigInt(length), MSG_NOSIGNAL);
  else if (length === 0 || errno() !== EAGAIN) libc.close(fd);
}

setOption(listener, SOL_SOCKET, SO_REUSEADDR, 1);
const at = socketAddress(parseEndpoint(Deno.args[0]!));
check("bind", libc.bind(listener, at, SOCKADDR_SIZE));
check("listen", libc.listen(listener, BACKLOG));
watch(listener);
say("ready");
while (true) {
  const count = libc.epoll_wait(epoll, events, EVENTS, -1);
  for (let index = 0; index < count; index++) {
    const fd = events.getInt32(index * EVENT_SIZE + 4, true);
    if (fd === listener) acceptAll();
    else echo(fd);
  }
}
