import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { describe, readName } from "../../../src/wire/dns_text.ts";
import { exchanges, hostile, longestName, unhex } from "../../vectors/dns/messages.ts";
import { mutated, watched } from "../../vectors/dns/mutations.ts";

Deno.test("captures read as one line", () => {
  const lines = Object.fromEntries(
    exchanges.map(({ name, answer }) => [name, describe(answer, 0, answer.length)]),
  );
  assertEquals(lines["a"], "answer 0x6769 NOERROR alpha.example. A: A");
  assertEquals(lines["cname"], "answer 0x1b1f NOERROR web.example. A: CNAME alpha.example., A");
  assertEquals(lines["nxdomain"], "answer 0x4862 NXDOMAIN nope.example. A");
  assertEquals(lines["refused"], "answer 0x80c5 REFUSED outside.test. A");
  assertMatch(lines["truncated"]!, /^answer 0xc278 NOERROR truncated big.example. TXT: TXT, /);
  assertMatch(lines["over-tcp"]!, /: (TXT, ){7}TXT and 52 more$/);
  const { query } = exchanges[2]!;
  assertEquals(describe(query, 0, query.length), "query 0x67b9 svc.example. HTTPS");
});

Deno.test("other operations and unknown numbers are named as well as can be", () => {
  const notify = unhex("0001 2400 0001 0000 0000 0000 0161 00 0006 0001");
  assertEquals(describe(notify, 0, notify.length), "query 0x0001 NOTIFY a. SOA");
  const odd = unhex("0001 b80b 0001 0000 0000 0000 00 fffe 0001");
  assertEquals(describe(odd, 0, odd.length), "answer 0x0001 7 11 . TYPE65534");
});

Deno.test("a name cannot forge a line of a log", () => {
  const query = unhex("0001 0100 0001 0000 0000 0000 06612e5c0a20ff 00 0001 0001");
  assertEquals(readName(query, 0, 12, query.length), "a\\.\\\\\\010\\032\\255.");
});

Deno.test("a malformed name is none", () => {
  for (const message of ["3f61", "4161 00", "0161", "c0", "c00b"]) {
    const bytes = unhex(`0001 0100 0001 0000 0000 0000 ${message}`);
    assertEquals(readName(bytes, 0, 12, bytes.length), undefined, message);
  }
  const tooLong = hostile["name of 256 bytes"]!;
  assertEquals(readName(tooLong, 0, 12, tooLong.length), undefined);
});

Deno.test("pointers are followed backwards only, and not without end", () => {
  assertEquals(readName(longestName, 0, 12, longestName.length)?.length, 254);
  const chain = (steps: number) => {
    const message = new Uint8Array(12 + 3 + 2 * steps);
    message.set([1, 0x61, 0], 12);
    for (let i = 0; i < steps; i++) {
      message.set([0xc0, i === 0 ? 12 : 15 + 2 * (i - 1)], 15 + 2 * i);
    }
    return readName(message, 0, message.length - 2, message.length);
  };
  assertEquals(chain(1), "a.");
  assertEquals(chain(32), "a.");
  assertEquals(chain(33), undefined);
  const forward = unhex("0001 0100 0001 0000 0000 0000 c00e 016100");
  assertEquals(readName(forward, 0, 12, forward.length), undefined);
  const lines = Object.entries(hostile).map(([name, bytes]) => {
    return `${name}: ${describe(bytes, 0, bytes.length)}`;
  });
  assert(lines.includes("alias points to itself: answer 0x1234 NOERROR a.b. A: CNAME malformed"));
  assert(lines.includes("record cut short: answer 0x1234 NOERROR a.b. A: malformed"));
  assert(lines.includes("header cut short: dns message cut short (10 bytes)"));
  assert(
    lines.includes("two pointers in a circle: answer 0x1234 NOERROR a.b. A: CNAME malformed, A"),
  );
});

Deno.test("property: any bytes are described in one printable line, in bounded steps", () => {
  fc.assert(
    fc.property(mutated(), (message) => {
      const { bytes, at, end, reads } = watched(message);
      assertMatch(describe(bytes, at, end), /^[\x20-\x7e]*$/);
      assert(reads() <= 8 * message.length + 8192, `${reads()} reads`);
    }),
    { numRuns: 1000 },
  );
});
