/** What a payload's checksum costs where nobody below computes it: see the plain path in `src/stack`. */

import { addWords, complement } from "../../src/wire/checksum.ts";

const bytes = new Uint8Array(65_536).map((_, index) => index * 7);

for (const length of [20, 40, 1_500, 65_536]) {
  Deno.bench(`checksum: ${length} bytes`, { group: `checksum ${length}` }, () => {
    complement(addWords(bytes, 0, length, 0));
  });
}
