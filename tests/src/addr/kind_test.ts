import { assertEquals } from "@std/assert";
import { parseAddress } from "../../../src/addr/address.ts";
import * as kind from "../../../src/addr/kind.ts";

const questions = {
  unspecified: kind.isUnspecified,
  loopback: kind.isLoopback,
  private: kind.isPrivate,
  linkLocal: kind.isLinkLocal,
  multicast: kind.isMulticast,
  broadcast: kind.isBroadcast,
};

/** Each address with the questions that it answers with yes; the edges of every range stand here. */
const expected: Record<string, (keyof typeof questions)[]> = {
  "0.0.0.0": ["unspecified"],
  "0.0.0.1": [],
  "126.255.255.255": [],
  "127.0.0.0": ["loopback"],
  "127.255.255.255": ["loopback"],
  "128.0.0.0": [],
  "9.255.255.255": [],
  "10.0.0.0": ["private"],
  "10.255.255.255": ["private"],
  "11.0.0.0": [],
  "172.15.255.255": [],
  "172.16.0.0": ["private"],
  "172.31.255.255": ["private"],
  "172.32.0.0": [],
  "192.167.255.255": [],
  "192.168.0.0": ["private"],
  "192.169.0.0": [],
  "169.253.255.255": [],
  "169.254.0.0": ["linkLocal"],
  "169.255.0.0": [],
  "223.255.255.255": [],
  "224.0.0.0": ["multicast"],
  "239.255.255.255": ["multicast"],
  "240.0.0.0": [],
  "255.255.255.254": [],
  "255.255.255.255": ["broadcast"],
  "::": ["unspecified"],
  "::1": ["loopback"],
  "::2": [],
  "1::1": [],
  "::ffff:127.0.0.1": [],
  "fbff::": [],
  "fc00::": ["private"],
  "fdff::": ["private"],
  "fe00::": [],
  "fe7f::": [],
  "fe80::": ["linkLocal"],
  "febf::": ["linkLocal"],
  "fec0::": [],
  "feff::": [],
  "ff00::": ["multicast"],
  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": ["multicast"],
};

for (const [text, kinds] of Object.entries(expected)) {
  Deno.test(`${text} is ${kinds.join(", ") || "none of the special kinds"}`, () => {
    const address = parseAddress(text)!;
    const packet = new Uint8Array(address.length + 8).fill(0x7f);
    packet.set(address, 3);
    for (const [name, ask] of Object.entries(questions)) {
      const answer = kinds.includes(name as keyof typeof questions);
      assertEquals(ask(address), answer, name);
      assertEquals(ask(packet, 3, address.length), answer, `${name} inside a packet`);
    }
  });
}
