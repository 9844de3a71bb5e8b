import { assertEquals, assertThrows } from "@std/assert";
import { parseAddress } from "../../../src/addr/address.ts";
import { readAddresses } from "../../../src/demo/dns_client.ts";
import { answerQuery, type Zone } from "../../../src/demo/dns_zone.ts";
import { composeQuery, RECORD_TYPE } from "../../../src/wire/dns_query.ts";

const ZONE: Zone = new Map([
  ["www.demo.test", [parseAddress("192.0.2.1")!, parseAddress("2001:db8::1")!]],
]);

function ask(name: string, type: number): string[] {
  const query = composeQuery(7, name, type);
  return readAddresses(query, answerQuery(query, ZONE, "udp")!);
}

Deno.test("asks for one family, and reads what a server answers", () => {
  assertEquals(ask("www.demo.test", RECORD_TYPE[4]), ["192.0.2.1"]);
  assertEquals(ask("www.demo.test", RECORD_TYPE[6]), ["2001:db8::1"]);
});

Deno.test("no answer, another's answer, an error and an empty answer are refused", () => {
  const query = composeQuery(7, "www.demo.test", 1);
  const answer = answerQuery(query, ZONE, "udp")!;
  assertThrows(() => readAddresses(query, query), Error, "no answer to the query");
  assertThrows(() => readAddresses(query, answer.subarray(0, 5)), Error, "no answer");
  const other = composeQuery(8, "www.demo.test", 1);
  assertThrows(() => readAddresses(other, answer), Error, "no answer to the query");
  assertThrows(() => ask("x.demo.test", 1), Error, "the answer is error 3");
  assertThrows(() => ask("www.demo.test", 16), Error, "no address");
  for (let end = 12; end < answer.length; end++) {
    assertThrows(() => readAddresses(query, answer.subarray(0, end)), Error, "no address");
  }
});
