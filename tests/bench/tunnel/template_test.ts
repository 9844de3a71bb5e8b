import { assertEquals, assertThrows } from "@std/assert";
import { fill, shellCommand } from "./template.ts";

const VALUES = { device: "bench0", mtu: 8500, proxy_host: "10.99.0.2", proxy_port: 1080 };

Deno.test("template: names in braces are filled in, as often as they stand there", () => {
  assertEquals(
    fill("tun -d {device} -p socks5://{proxy_host}:{proxy_port} --mtu={mtu} # {device}", VALUES),
    "tun -d bench0 -p socks5://10.99.0.2:1080 --mtu=8500 # bench0",
  );
});

Deno.test("template: other braces stay", () => {
  assertEquals(
    fill("awk '{ print $1 }' {} ${HOME} {A}", VALUES),
    "awk '{ print $1 }' {} ${HOME} {A}",
  );
});

Deno.test("template: a slip is an error that names what there is", () => {
  const message = "{devcie} stands for nothing here; there are {device}, {mtu}";
  assertThrows(() => fill("tun {devcie}", VALUES), Error, message);
  assertThrows(() => fill("tun {config}", VALUES), Error, "{config}");
});

Deno.test("template: the shell gives way to the command", () => {
  assertEquals(shellCommand("tun 'a b'"), ["sh", "-c", "exec tun 'a b'"]);
});
