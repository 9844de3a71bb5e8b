import { assert, assertEquals, assertThrows } from "@std/assert";
import { check, libc, SysError } from "../../ffi/libc.ts";
import {
  type InetSocket,
  SockDiag,
  type SocketEnd,
  TCP_ESTABLISHED,
} from "../../ffi/sock_diag_linux.ts";
import { SOCKET_ADDRESS, writeSocketAddress } from "../../ffi/socket_address_linux.ts";
import { formatAddress, parseAddress } from "../../src/addr/address.ts";
import { inNetNamespace, runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;
const ECONNABORTED = 103;

/** Sockets made with system calls, so that all of it happens on the thread that is in the namespace. */
class Sockets {
  readonly #open: number[] = [];

  open(family: number, type: number): number {
    const fd = check("socket", libc().socket(family, type, 0));
    this.#open.push(fd);
    return fd;
  }

  listen(text: string, port: number, options: readonly [number, string | number][] = []): number {
    const fd = this.open(text.includes(":") ? AF_INET6 : AF_INET, SOCK_STREAM);
    for (const [option, value] of options) setOption(fd, option, value);
    bind(fd, text, port);
    check("listen", more.listen(fd, 8));
    return fd;
  }

  close(): void {
    this.#open.forEach((fd) => libc().close(fd));
  }
}

const { symbols: more } = Deno.dlopen("libc.so.6", {
  listen: { parameters: ["i32", "i32"], result: "i32" },
});

function setOption(fd: number, option: number, value: string | number): void {
  const bytes = new Uint8Array(128);
  if (typeof value === "string") new TextEncoder().encodeInto(value, bytes);
  else new DataView(bytes.buffer).setUint32(0, value, true);
  const length = typeof value === "string" ? value.length + 1 : 4;
  check("setsockopt", libc().setsockopt(fd, SOL_SOCKET, option, bytes, length));
}

function named(text: string, port: number): [Uint8Array<ArrayBuffer>, number] {
  const bytes = new Uint8Array(SOCKET_ADDRESS + 128);
  const address = parseAddress(text)!;
  return [bytes, writeSocketAddress(bytes, 0, address, 0, address.length, port)];
}

function bind(fd: number, text: string, port: number): void {
  check("bind", libc().bind(fd, ...named(text, port)));
}

function connect(fd: number, text: string, port: number): void {
  check("connect", libc().connect(fd, ...named(text, port)));
}

function end(text: string, port: number): SocketEnd {
  return { address: parseAddress(text)!, port };
}

function inodeOf(fd: number): number {
  return Number(Deno.readLinkSync(`/proc/self/fd/${fd}`).match(/^socket:\[(\d+)\]$/)![1]);
}

function withSockets(body: (diag: SockDiag, sockets: Sockets) => void): void {
  inNetNamespace(() => {
    runHere("ip", "link", "set", "lo", "up");
    const diag = new SockDiag();
    const sockets = new Sockets();
    try {
      body(diag, sockets);
    } finally {
      sockets.close();
      diag.close();
    }
  });
}

const inodes = (found: readonly InetSocket[]) => found.map(({ inode }) => inode).toSorted();

rootTest(
  "a listener is found by its address and port, with inode, user, cgroup and mark",
  () =>
    withSockets((diag, sockets) => {
      const fd = sockets.listen("127.0.0.1", 1080, [[SO_MARK, 0x80000001]]);
      const [found, ...others] = diag.listeners(end("127.0.0.1", 1080));
      assertEquals(others, []);
      assertEquals(found?.inode, inodeOf(fd));
      assertEquals(found?.uid, 0);
      assertEquals(found?.mark, 0x80000001);
      assert(found!.cgroup! > 0);
      assertEquals(formatAddress(found!.local.address), "127.0.0.1");
      assertEquals(diag.listeners(end("127.0.0.1", 1081)), []);
      assertEquals(diag.listeners(end("127.0.0.2", 1080)), []);
      assertEquals(diag.listeners(end("::1", 1080)), []);
    }),
);

rootTest(
  "wildcard listeners are found, the dual-stack one for IPv4 too",
  () =>
    withSockets((diag, sockets) => {
      const four = inodeOf(sockets.listen("0.0.0.0", 1080));
      const both = inodeOf(sockets.listen("::", 1081));
      const mapped = inodeOf(sockets.listen("::ffff:127.0.0.1", 1082));
      assertEquals(inodes(diag.listeners(end("127.0.0.1", 1080))), [four]);
      assertEquals(inodes(diag.listeners(end("127.0.0.1", 1081))), [both]);
      assertEquals(inodes(diag.listeners(end("::1", 1081))), [both]);
      assertEquals(inodes(diag.listeners(end("127.0.0.1", 1082))), [mapped]);
      assertEquals(diag.listener(end("127.0.0.1", 1082))?.local.address.length, 4);
    }),
);

rootTest(
  "all that share a port are found, and one that is bound to a link",
  () =>
    withSockets((diag, sockets) => {
      const shared = [1, 2, 3].map(() =>
        inodeOf(sockets.listen("127.0.0.1", 1080, [[SO_REUSEPORT, 1]]))
      );
      assertEquals(inodes(diag.listeners(end("127.0.0.1", 1080))), shared.toSorted());
      const bound = inodeOf(sockets.listen("0.0.0.0", 1081, [[SO_BINDTODEVICE, "lo"]]));
      assertEquals(inodes(diag.listeners(end("127.0.0.1", 1081))), [bound]);
    }),
);

rootTest(
  "a connection is found by its two ends, both families; a listener alone is not one",
  () =>
    withSockets((diag, sockets) => {
      for (const address of ["127.0.0.1", "::1"]) {
        sockets.listen(address, 1080);
        const fd = sockets.open(address.includes(":") ? AF_INET6 : AF_INET, SOCK_STREAM);
        bind(fd, address, 40_000);
        connect(fd, address, 1080);
        const found = diag.find(end(address, 40_000), end(address, 1080));
        assertEquals(found?.inode, inodeOf(fd));
        assertEquals(found?.state, TCP_ESTABLISHED);
        assertEquals(diag.find(end(address, 40_001), end(address, 1081)), undefined);
        const established = diag.sockets("tcp", { state: TCP_ESTABLISHED, localPort: 40_000 });
        assert(inodes(established).includes(inodeOf(fd)));
      }
    }),
);

rootTest(
  "UDP sockets are listed, connected ones with where they lead",
  () =>
    withSockets((diag, sockets) => {
      const fd = sockets.open(AF_INET, SOCK_DGRAM);
      bind(fd, "127.0.0.1", 5353);
      connect(fd, "127.0.0.1", 53);
      const [found, ...others] = diag.sockets("udp", { localPort: 5353 });
      assertEquals(others, []);
      assertEquals(found?.inode, inodeOf(fd));
      assertEquals([formatAddress(found!.remote.address), found!.remote.port], ["127.0.0.1", 53]);
      assertEquals(diag.sockets("udp").length, 1);
    }),
);

rootTest("a connection is ended from outside, once", () =>
  withSockets((diag, sockets) => {
    sockets.listen("127.0.0.1", 1080);
    const fd = sockets.open(AF_INET, SOCK_STREAM);
    connect(fd, "127.0.0.1", 1080);
    const inode = inodeOf(fd);
    const found = diag.sockets("tcp").find((each) => each.inode === inode)!;
    assertEquals(diag.destroy(found), true);
    const receive = () => check("recv", libc().recv(fd, new Uint8Array(128), 128n, 0));
    assertEquals(assertThrows(receive, SysError).code, ECONNABORTED);
    assertEquals(diag.destroy(found), false);
  }));

rootTest(
  "a dump of more sockets than one message holds is whole",
  () =>
    withSockets((diag, sockets) => {
      for (let port = 2000; port < 2600; port++) sockets.listen("127.0.0.1", port);
      assertEquals(new Set(inodes(diag.sockets("tcp"))).size, 600);
    }),
);
