/**
 * Names of hosts, as every program on this host resolves them: `getaddrinfo`, on a thread of its own.
 * (Deno's own resolver asks DNS servers only.)
 */

import { get32le } from "../src/bytes.ts";
import { cString, libc } from "./libc.ts";
import { readSocketAddress, SOCKET_ADDRESS } from "./socket_address_linux.ts";

const SOCK_STREAM = 1;

/** `struct addrinfo`: where its fields are. */
const Info = { SocketType: 8, AddressLength: 16, Address: 24, Next: 40, Size: 48 } as const;

/** Every address of the host, the best first; throws when it has none. */
export async function resolveHost(name: string): Promise<Uint8Array[]> {
  const hints = new Uint8Array(128);
  hints[Info.SocketType] = SOCK_STREAM;
  const result = new BigUint64Array(16);
  const code = await libc().getaddrinfo(
    cString(name),
    null,
    hints,
    new Uint8Array(result.buffer),
  );
  if (code !== 0) throw new Error(`The name ${name} cannot be resolved (${reason(code)})`);
  const list = Deno.UnsafePointer.create(result[0]!);
  try {
    return collect(list);
  } finally {
    libc().freeaddrinfo(list);
  }
}

function collect(first: Deno.PointerValue): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let info = first; info !== null;) {
    const view = new Deno.UnsafePointerView(info);
    const bytes = new Uint8Array(SOCKET_ADDRESS);
    const length = get32le(new Uint8Array(view.getArrayBuffer(Info.Size)), Info.AddressLength);
    const address = view.getPointer(Info.Address);
    if (address !== null && length <= bytes.length) {
      bytes.set(new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(address, length)));
      const endpoint = readSocketAddress(bytes, 0);
      if (endpoint !== undefined) found.push(endpoint.address);
    }
    info = view.getPointer(Info.Next);
  }
  return found;
}

function reason(code: number): string {
  const text = libc().gai_strerror(code);
  return text === null ? `code ${code}` : Deno.UnsafePointerView.getCString(text);
}
