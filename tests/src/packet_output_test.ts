import { assert } from "@std/assert";
import { SMALL_SLOT } from "../../src/arena.ts";
import { HEADER_ROOM } from "../../src/packet_output.ts";

/** RFC 9293: the data offset has four bits, in words of four octets. */
const LARGEST_TCP_HEADER = 15 * 4;
const IPV6_HEADER = 40;
const VIRTIO_HEADER = 10;

Deno.test("the largest header that is ever written fits, and into a small slot too", () => {
  assert(HEADER_ROOM >= VIRTIO_HEADER + IPV6_HEADER + LARGEST_TCP_HEADER);
  assert(HEADER_ROOM <= SMALL_SLOT);
});
