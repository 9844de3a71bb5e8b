/** A UNIX datagram socket that is sent to, as systemd has one: at a path, or under a name without a file. */

import { check, Errno, errno, libc, SysError } from "../../ffi/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;

export class UnixReceiver implements Disposable {
  readonly name: string;
  readonly #fd: number;

  constructor(name: string) {
    this.name = name;
    this.#fd = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0));
    const path = new TextEncoder().encode(name);
    const address = new Uint8Array(128);
    address[0] = AF_UNIX;
    address.set(path, 2);
    if (name.startsWith("@")) address[2] = 0;
    const length = 2 + path.length + (name.startsWith("@") ? 0 : 1);
    check("bind", libc().bind(this.#fd, address, length));
  }

  /** The next datagram; undefined when there is none. Who has sent it has done so before. */
  receive(): string | undefined {
    const buffer = new Uint8Array(65_536);
    const length = Number(libc().recv(this.#fd, buffer, BigInt(buffer.length), 0));
    if (length >= 0) return new TextDecoder().decode(buffer.subarray(0, length));
    const code = errno();
    if (code !== Errno.EAGAIN) throw new SysError("recv", code);
    return undefined;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
    if (!this.name.startsWith("@")) Deno.removeSync(this.name);
  }
}

/** Of nobody else. */
export function uniqueName(): string {
  return `@ztun-test-${crypto.randomUUID()}`;
}
