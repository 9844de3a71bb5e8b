import { assertEquals, assertThrows } from "@std/assert";
import { parseResponse } from "../../../src/demo/http_client.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("status and body of a response", () => {
  const response = "HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 3\r\nC: d\r\n\r\nabc";
  assertEquals(parseResponse(encode(response)), { status: 404, body: encode("abc") });
});

Deno.test("what is cut short or no response is refused", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n";
  for (const bad of ["", "SSH-2.0\r\n\r\n", head, "HTTP/1.1 200 OK\r\n\r\ncontent-length: 0\r\n"]) {
    assertThrows(() => parseResponse(encode(bad)), Error, "no HTTP response");
  }
  assertThrows(() => parseResponse(encode(`${head}\r\nab`)), Error, "after 2 of 3 bytes");
  assertThrows(() => parseResponse(encode(`${head}\r\nabcd`)), Error, "after 4 of 3 bytes");
});
