import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { printable, quote, quoteName, redact, redactUrls } from "../../../src/config/quote.ts";

Deno.test("printable takes the force out of control characters", () => {
  assertEquals(printable("a\x1b[2Jb\n\u202e\u009b"), "a\\u001b[2Jb\\n\\u202e\\u009b");
  assertEquals(printable("höhe 高 🚀"), "höhe 高 🚀");
});

Deno.test("redact hides all in front of the last @", () => {
  assertEquals(redact("socks5://alice:se@cret@host:1080"), "socks5://***@host:1080");
  assertEquals(redact("alice:secret@host"), "***@host");
  assertEquals(redact("a:pw://x@host"), "***@host");
  assertEquals(redact("host:1080"), "host:1080");
});

Deno.test("redactUrls finds URLs in a running text", () => {
  assertEquals(
    redactUrls("from socks5://a:b/c@d@h:1 to http://h/path, http://u@h"),
    "from socks5://***@h:1 to http://h/path, http://***@h",
  );
});

Deno.test("quote cuts what is long", () => {
  assertEquals(quote("x".repeat(1_000)), `"${"x".repeat(77)}..."`);
});

Deno.test("quoteName keeps what is in front of an @, and the force out of the rest", () => {
  assertEquals(quoteName("user@1000.service\x1b"), '"user@1000.service\\u001b"');
  assertEquals(quoteName("x".repeat(1_000)), `"${"x".repeat(77)}..."`);
});

Deno.test("property: no password survives quoting", () => {
  const secret = fc.string({ minLength: 6, unit: "binary" }).map((text) => `<${text}>`);
  fc.assert(fc.property(secret, (password) => {
    assertEquals(quote(`socks5://user:${password}@host:1080`).includes(password), false);
  }));
});
