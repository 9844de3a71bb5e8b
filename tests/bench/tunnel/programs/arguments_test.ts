import { assertEquals, assertThrows } from "@std/assert";
import { loadArguments } from "./arguments.ts";

Deno.test("arguments: positional ones, and a proxy", () => {
  assertEquals(loadArguments(["203.0.113.10:7", "3"]), {
    values: ["203.0.113.10:7", "3"],
    socks: undefined,
  });
  assertEquals(loadArguments(["203.0.113.10:7", "3", "--socks", "10.99.0.2:1080"]), {
    values: ["203.0.113.10:7", "3"],
    socks: { host: "10.99.0.2", port: 1080 },
  });
});

Deno.test("arguments: an endpoint is an IPv4 address with a port", () => {
  for (const text of ["", "proxy:1080", "10.99.0.2", "10.99.0.2:http"]) {
    assertThrows(() => loadArguments(["--socks", text]), Error, "Not IP:PORT");
  }
});
