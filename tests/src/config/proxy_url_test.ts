import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseProxyHost, parseProxyUrl } from "../../../src/config/proxy_url.ts";
import { ValueError } from "../../../src/config/units.ts";

const anonymous = { user: undefined, password: undefined };

Deno.test("a proxy is a URL or host:port", () => {
  assertEquals(parseProxyUrl("127.0.0.1:1080"), { host: "127.0.0.1", port: 1080, ...anonymous });
  assertEquals(parseProxyUrl("socks5://h"), { host: "h", port: 1080, ...anonymous });
  assertEquals(parseProxyUrl("SOCKS5H://h:9/"), { host: "h", port: 9, ...anonymous });
  assertEquals(parseProxyUrl("[2001:db8::1]:80"), { host: "2001:db8::1", port: 80, ...anonymous });
  assertEquals(parseProxyUrl("[::1]"), { host: "::1", port: 1080, ...anonymous });
});

Deno.test("user and password are percent-encoded, split at the first colon", () => {
  assertEquals(parseProxyUrl("socks5://alice:s%40%3A%2Fx:y@h:1"), {
    host: "h",
    port: 1,
    user: "alice",
    password: "s@:/x:y",
  });
  assertEquals(parseProxyUrl("socks5://alice@h").user, "alice");
  assertEquals(parseProxyUrl("socks5://alice@h").password, undefined);
  assertEquals(parseProxyUrl("socks5://alice:@h").password, "");
  assertEquals(parseProxyUrl("a:p@ss@h:1").password, "p@ss");
});

const malformed = [
  "http://alice:hunter2@h",
  "alice://hunter2@h:x",
  "socks5://alice:hunter2",
  "socks5://alice:hunter2@",
  "socks5://alice:hunter2@h:0",
  "socks5://alice:hunter2@h:65536",
  "socks5://alice:hunter2@h:+1",
  "socks5://alice:hunter2@::1:1080",
  "socks5://alice:hunter2@[::1:1080",
  "socks5://alice:hunter2@[::1]1080",
  "socks5://alice:hunter2@h/path",
  "socks5://alice:hunter2%zz@h",
  "socks5://:hunter2@h",
  `socks5://alice:${"hunter2".repeat(40)}@h`,
  "alice:hunter2",
  "socks5:/alice:hunter2@h",
  "hunter2 hunter2",
];

Deno.test("a malformed proxy is refused, and nothing of it is quoted", () => {
  for (const text of malformed) {
    const { message, hint } = assertThrows(() => parseProxyUrl(text), ValueError, undefined, text);
    assertEquals(`${message} ${hint}`.includes("hunter2"), false, text);
  }
});

Deno.test("--socks takes no user name", () => {
  assertThrows(() => parseProxyHost("alice:hunter2@h:1"), ValueError, "takes no user name");
  assertThrows(() => parseProxyHost("::1"), ValueError, "brackets");
});

Deno.test("property: any user and password come through encoded", () => {
  const text = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme-composite" })
    .filter((text) => new TextEncoder().encode(text).length <= 255);
  fc.assert(fc.property(text, text, (user, password) => {
    const [u, p] = [user, password].map(encodeURIComponent);
    const parsed = parseProxyUrl(`socks5://${u}:${p}@h:1`);
    assertEquals([parsed.user, parsed.password], [user, password]);
  }));
});

Deno.test("property: any text is a proxy or a ValueError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    try {
      parseProxyUrl(text);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
    }
  }));
});
