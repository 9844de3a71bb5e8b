import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FlowTable } from "../../../../src/stack/flow_table.ts";
import { SipHash } from "../../../../src/stack/siphash.ts";
import { endpointsIn, endpointsOf } from "../../../../src/stack/tcp/endpoints.ts";
import { addWords } from "../../../../src/wire/checksum.ts";
import { join } from "../packets.ts";

const port = fc.integer({ min: 0, max: 0xffff });
const plain = fc.constantFrom(4, 16).chain((length) => {
  const address = fc.uint8Array({ minLength: length, maxLength: length });
  return fc.record({
    localAddress: address,
    localPort: port,
    remoteAddress: address,
    remotePort: port,
  });
});

Deno.test("endpoints: as they were given, whichever way", () => {
  fc.assert(fc.property(plain, (given) => {
    const { localAddress, localPort, remoteAddress, remotePort } = given;
    const length = localAddress.length;
    const bytes = join([7], remoteAddress, localAddress);
    const packed = endpointsIn(bytes, 1 + length, 1, length, localPort, remotePort);
    assertEquals(packed, endpointsOf(given));
    assertEquals(packed.isIpv4, length === 4);
    assertEquals(
      [packed.localAddress, packed.localPort, packed.remoteAddress, packed.remotePort],
      [localAddress, localPort, remoteAddress, remotePort],
    );
  }));
});

Deno.test("endpoints: written and summed as they stand in a packet", () => {
  fc.assert(fc.property(plain, (given) => {
    const { localAddress, localPort, remoteAddress, remotePort } = given;
    const packed = endpointsOf(given);
    const addresses = join(localAddress, remoteAddress);
    const written = new Uint8Array(addresses.length + 6);
    packed.write(new DataView(written.buffer), 1);
    const ports = [localPort >> 8, localPort & 255, remotePort >> 8, remotePort & 255];
    assertEquals(written, join([0], addresses, ports, [0]));
    assertEquals(packed.sum(), addWords(addresses, 0, addresses.length, 0));
  }));
});

Deno.test("endpoints: their words are the key that a packet's addresses make", () => {
  const table = new FlowTable(new SipHash(new Uint8Array(8)));
  fc.assert(fc.property(plain, (given) => {
    const { localAddress, localPort, remoteAddress, remotePort } = given;
    const length = localAddress.length;
    const both = join(localAddress, remoteAddress);
    table.setKey(both, 0, length, length, (localPort << 16) | remotePort, 0);
    const key = table.key.slice();
    table.key.fill(9);
    table.setWords(endpointsOf(given).words);
    assertEquals(table.key, key);
  }));
});
