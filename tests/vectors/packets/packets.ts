/**
 * Packets as Linux 6 sends them into a TUN device: ping, netcat, dig and small scripts, over both
 * families, whole and in fragments, with options and extension headers, and as super-segments.
 */

export interface CapturedPacket {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Packets that begin with the IP header. */
export const plainPackets: readonly CapturedPacket[] = readPackets("plain.hex");
/** Packets that begin with a `virtio_net_hdr`. */
export const vnetPackets: readonly CapturedPacket[] = readPackets("vnet.hex");

/** All packets of that name, in the order in which they were sent. */
export function captured(packets: readonly CapturedPacket[], name: string): Uint8Array[] {
  const found = packets.filter((packet) => packet.name === name);
  if (found.length === 0) throw new Error(`There is no capture "${name}"`);
  return found.map((packet) => packet.bytes.slice());
}

function readPackets(file: string): CapturedPacket[] {
  const text = Deno.readTextFileSync(new URL(file, import.meta.url));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [name = "", hex = ""] = line.split(" ");
    return { name, bytes: Uint8Array.fromHex(hex) };
  });
}
