import { assertEquals } from "@std/assert";
import { isOwnAddress } from "../../ffi/own_address_linux.ts";
import { parseAddress } from "../../src/addr/address.ts";
import { inNetNamespace, runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";

const own = (text: string) => isOwnAddress(parseAddress(text)!);

rootTest(
  "loopback and the addresses of devices are the host's own, others are not",
  () =>
    inNetNamespace(() => {
      runHere("ip", "link", "set", "lo", "up");
      runHere("ip", "address", "add", "192.0.2.7/24", "dev", "lo");
      runHere("ip", "address", "add", "2001:db8::7/64", "dev", "lo", "nodad");
      const addresses = ["127.0.0.1", "127.9.9.9", "::1", "192.0.2.7", "2001:db8::7"];
      assertEquals(addresses.filter(own), addresses);
      assertEquals(["198.51.100.1", "2001:db8::8", "fe80::1"].filter(own), []);
    }),
);
