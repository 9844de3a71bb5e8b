/** What a program may not do without some of root's powers: they belong to threads, so this one lays them down. */

import { get32le, set32le } from "../../src/bytes.ts";
import { check, libc } from "../../ffi/libc.ts";

/** `struct __user_cap_header_struct` of version 3, and two `__user_cap_data_struct`. */
const VERSION_3 = 0x2008_0522;

/** Runs `body` without the capabilities of these numbers (below 32), and takes them up again. */
export function withoutCapabilities(numbers: readonly number[], body: () => void): void {
  const header = new Uint8Array(128);
  set32le(header, 0, VERSION_3);
  const data = new Uint8Array(128);
  check("capget", libc().capget(header, data));
  const effective = get32le(data, 0);
  const change = (to: number) => {
    set32le(data, 0, to);
    check("capset", libc().capset(header, data));
  };
  change(numbers.reduce((left, number) => left & ~(1 << number), effective) >>> 0);
  try {
    body();
  } finally {
    change(effective);
  }
}
