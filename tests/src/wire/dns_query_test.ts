import { assert, assertEquals } from "@std/assert";
import { formatAddress, parseAddress } from "../../../src/addr/address.ts";
import { set16, set32 } from "../../../src/bytes.ts";
import { answerQuery, type Zone } from "../../../src/demo/dns_zone.ts";
import {
  composeQuery,
  isResponseTo,
  readAddressRecords,
  RECORD_TYPE,
  TYPE_NS,
} from "../../../src/wire/dns_query.ts";

const ZONE: Zone = new Map([
  ["www.demo.test", [parseAddress("192.0.2.1")!, parseAddress("192.0.2.2")!]],
]);
const TTL = 60;

Deno.test("a query is as RFC 1035 has it", () => {
  const bytes = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 2, 98, 99, 0, 0, 28, 0, 1];
  assertEquals([...composeQuery(7, "a.bc", 28)], bytes);
  assertEquals([...composeQuery(7, "a.bc.", 28)], bytes);
  const root = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
  assertEquals([...composeQuery(7, ".", TYPE_NS)], root);
});

Deno.test("an answer's addresses come with the time for which all of it holds", () => {
  const query = composeQuery(7, "www.demo.test", RECORD_TYPE[4]);
  const answer = answerQuery(query, ZONE, "udp")!;
  assert(isResponseTo(query, answer));
  const { addresses, ttl } = readAddressRecords(answer);
  assertEquals(addresses.map(formatAddress), ["192.0.2.1", "192.0.2.2"]);
  assertEquals(ttl, TTL);
  // The TTL of the first record, behind its pointer, type and class.
  const at = query.length + 6;
  for (const [written, read] of [[7, 7], [0x8000_0000, 0], [TTL + 1, TTL]] as const) {
    set32(answer, at, written);
    assertEquals(readAddressRecords(answer).ttl, read);
  }
});

Deno.test("an alias counts for the time, and is no address", () => {
  const query = composeQuery(7, "www.demo.test", RECORD_TYPE[4]);
  const answer = answerQuery(query, ZONE, "udp")!;
  set16(answer, query.length + 2, 5);
  set32(answer, query.length + 6, 3);
  const { addresses, ttl } = readAddressRecords(answer);
  assertEquals(addresses.map(formatAddress), ["192.0.2.2"]);
  assertEquals(ttl, 3);
});

Deno.test("an answer without records, or broken off, has what is there", () => {
  const query = composeQuery(7, "x.demo.test", RECORD_TYPE[4]);
  assertEquals(readAddressRecords(answerQuery(query, ZONE, "udp")!), {
    addresses: [],
    ttl: Infinity,
  });
  const known = composeQuery(7, "www.demo.test", RECORD_TYPE[4]);
  const answer = answerQuery(known, ZONE, "udp")!;
  for (let end = 12; end < answer.length; end++) {
    const { addresses } = readAddressRecords(answer.subarray(0, end));
    assertEquals(addresses.length, end < answer.length - 16 ? 0 : 1);
  }
});

Deno.test("a query, another's answer and a piece of one are no response", () => {
  const query = composeQuery(7, "www.demo.test", RECORD_TYPE[4]);
  const answer = answerQuery(query, ZONE, "udp")!;
  assert(!isResponseTo(query, query));
  assert(!isResponseTo(composeQuery(8, "www.demo.test", RECORD_TYPE[4]), answer));
  assert(!isResponseTo(query, answer.subarray(0, 11)));
});
