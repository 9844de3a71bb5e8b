import { assertEquals } from "@std/assert";
import { composeResolvConf } from "../../../src/host/resolv_conf.ts";

Deno.test("configured servers take the place of the host's", () => {
  const host = "nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2\n";
  assertEquals(
    composeResolvConf(host, ["9.9.9.9", "2620:fe::fe"]),
    "nameserver 9.9.9.9\nnameserver 2620:fe::fe\nsearch a.example b.example\noptions ndots:2\n",
  );
});

Deno.test("the host's servers stay, without those that only the host reaches", () => {
  const host = `# written by something
nameserver 127.0.0.53
nameserver\t192.0.2.53 # the router
nameserver ::1
nameserver fe80::1%eth0
nameserver fe80::2
nameserver 0.0.0.0
nameserver 2001:DB8::53
nameserver nonsense
#nameserver 203.0.113.1
searching nothing
domain example.net
`;
  assertEquals(
    composeResolvConf(host, []),
    "nameserver 192.0.2.53\nnameserver 2001:db8::53\ndomain example.net\n",
  );
});

Deno.test("a host that asks only itself gets public servers", () => {
  const expected = "nameserver 1.1.1.1\nnameserver 2606:4700:4700::1111\n";
  assertEquals(composeResolvConf("nameserver 127.0.0.53\n", []), expected);
  assertEquals(composeResolvConf("", []), expected);
});
