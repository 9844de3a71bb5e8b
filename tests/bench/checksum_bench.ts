/** Checksums: of headers always, of payloads where nobody below computes them. */

import { addWords, complement, pseudoHeader } from "../../src/wire/checksum.ts";
import { TCP } from "../../src/wire/protocol.ts";
import { measure } from "./measure.ts";
import { withReference } from "./reference.ts";

const bytes = new Uint8Array(65_536 + 64).map((_, index) => index * 7 + (index >>> 8));
let turn = 0;

withReference(() => {
  for (const length of [20, 40, 1_460, 65_536]) {
    measure(`checksum: ${length} bytes`, () => {
      const at = turn++ & 62;
      return complement(addWords(bytes, at, at + length, 0));
    }, Math.ceil(60_000 / length));
  }
  for (const [family, length] of [["IPv4", 4], ["IPv6", 16]] as const) {
    measure(`checksum: pseudo-header, ${family}`, () => {
      const at = turn++ & 62;
      return pseudoHeader(bytes, at, at + length, length, TCP, turn & 0xffff);
    });
  }
});
