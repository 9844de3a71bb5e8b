/**
 * Ports where nobody listens. Closing what listened is not quite enough when test files run side by side
 * in one process: a program that another test starts just now has a copy of every descriptor until it
 * runs, for which the system goes on listening; and the port is anybody's.
 */

import { check, libc } from "../../ffi/libc.ts";
import { eventually } from "./eventually.ts";

const AF_INET = 2;
const SOCK_CLOEXEC = 0o2000000;
const TYPES = { tcp: 1, udp: 2 };
/** `struct sockaddr_in` of port 0 on 127.0.0.1. */
const LOOPBACK = [AF_INET, 0, 0, 0, 127, 0, 0, 1];
const LENGTH = 16;

/** A port on 127.0.0.1 that is taken for as long as this lives, and refuses everybody. */
export class ClosedPort implements Disposable {
  readonly port: number;
  readonly #fd: number;

  constructor(transport: keyof typeof TYPES) {
    const address = new Uint8Array(128);
    const length = new Uint8Array(128);
    address.set(LOOPBACK);
    length[0] = address.length;
    this.#fd = check("socket", libc().socket(AF_INET, TYPES[transport] | SOCK_CLOEXEC, 0));
    check("bind", libc().bind(this.#fd, address, LENGTH));
    check("getsockname", libc().getsockname(this.#fd, address, length));
    // A UDP socket hears everybody until it is connected: this one is to itself.
    if (transport === "udp") check("connect", libc().connect(this.#fd, address, LENGTH));
    this.port = (address[2]! << 8) | address[3]!;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

/** Waits until a TCP port on 127.0.0.1 refuses, whose listener has been closed. */
export async function refusing(port: number): Promise<void> {
  await eventually(`port ${port} to refuse`, async () => {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return true;
      throw error;
    }
  });
}
