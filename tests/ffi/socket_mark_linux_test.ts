import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { SysError } from "../../ffi/libc.ts";
import { socketMark } from "../../ffi/process_linux.ts";
import { AF_INET, AF_INET6 } from "../../ffi/socket_address_linux.ts";
import { markSocket, requireMark } from "../../ffi/socket_mark_linux.ts";
import { openTcpSocket } from "../../ffi/tcp_socket_linux.ts";
import { UdpSocket } from "../../ffi/udp_socket_linux.ts";
import { UserError } from "../../src/errors.ts";
import { rootTest } from "../support/root.ts";
import { LOOPBACK, LOOPBACK_6 } from "../support/udp_rig.ts";
import { withoutCapabilities } from "../support/without_capabilities.ts";

const MARK = 0x7a74;
const CAP_NET_ADMIN = 12;
/** Since Linux 5.17 that is enough as well. */
const CAP_NET_RAW = 13;

function markOf(fd: number, close: () => void): number {
  try {
    return socketMark(fd);
  } finally {
    close();
  }
}

rootTest("sockets have the mark that they are opened with, or none", () => {
  for (const mark of [0, 1, MARK, 0x7fff_ffff, 0xffff_ffff]) {
    for (const family of [AF_INET, AF_INET6]) {
      const fd = openTcpSocket(family, mark);
      assertEquals(markOf(fd, () => closeFd(fd)), mark);
    }
    for (const address of [LOOPBACK, LOOPBACK_6]) {
      const socket = UdpSocket.connected(address, 9, mark);
      assertEquals(markOf(socket.fd, () => socket.close()), mark);
    }
  }
});

rootTest("who may not mark hears what is missing", () => {
  withoutCapabilities([CAP_NET_ADMIN, CAP_NET_RAW], () => {
    for (
      const open of [
        () => openTcpSocket(AF_INET, MARK),
        () => UdpSocket.connected(LOOPBACK, 9, MARK),
        () => requireMark(MARK),
      ]
    ) {
      const error = assertThrows(open, UserError);
      assertEquals(error.message, "Cannot mark a socket: the capability CAP_NET_ADMIN is missing");
      assertEquals(error.hint, "Run it as root, with `sudo`");
      assertInstanceOf(error.cause, SysError);
    }
    requireMark(0);
  });
  requireMark(MARK);
});

Deno.test("no mark needs no power, and another error stays what it is", () => {
  markSocket(-1, 0);
  const error = assertThrows(() => markSocket(-1, MARK), SysError);
  assertEquals(error.message, "setsockopt SO_MARK failed: EBADF");
});
