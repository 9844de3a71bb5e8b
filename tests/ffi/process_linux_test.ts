import { assert, assertEquals, assertThrows } from "@std/assert";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { Errno, SysError } from "../../ffi/libc.ts";
import { isInetSocket, ProcessHandle, setSocketMark, socketMark } from "../../ffi/process_linux.ts";
import { Running } from "../support/process.ts";
import { rootTest } from "../support/root.ts";

const PROGRAM = `import socket, sys
inet = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
local, other = socket.socketpair()
print("fds", inet.fileno(), local.fileno(), flush=True)
for line in sys.stdin: print("mark", inet.getsockopt(1, 36), flush=True)
`;

rootTest("another process's socket is marked through a copy of its descriptor", async () => {
  await using other = new Running("python", ["python3", "-c", PROGRAM], { stdin: "piped" });
  const [, inet, unix] = (await other.logged(/fds (\d+) (\d+)/)).map(Number);
  const handle = new ProcessHandle(other.pid);
  try {
    const copies = [inet!, unix!, 0].map((fd) => handle.copy(fd)!);
    assertEquals(copies.map(isInetSocket), [true, false, false]);
    assertEquals(socketMark(copies[0]!), 0);
    setSocketMark(copies[0]!, 77);
    copies.forEach(closeFd);
    await other.write("\n");
    await other.logged(/mark 77/);
    assertEquals(handle.copy(999), undefined);
    await other.kill();
    assertEquals(handle.copy(inet!), undefined);
  } finally {
    handle.close();
  }
});

rootTest("there is no handle of a process that is not there", () => {
  const error = assertThrows(() => new ProcessHandle(0x7fff_fff0), SysError, "pidfd_open");
  assert(error.code === Errno.ESRCH || error.code === Errno.EINVAL);
});
