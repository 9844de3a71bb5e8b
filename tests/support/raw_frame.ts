/** An Ethernet frame put on a link as it is: no firewall, route or address has a say in it. */

import { inNamespace } from "./enter_namespace.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETHERNET = 14;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  sendto: { parameters: ["i32", "buffer", "i32", "i32", "buffer", "i32"], result: "i32" },
});

/** Sends the payload from the link of that name, to nobody; it has left when this returns. */
export function sendFrame(
  namespace: string,
  link: string,
  etherType: number,
  payload: Uint8Array,
): void {
  const frame = new Uint8Array(Math.max(60, ETHERNET + payload.length));
  new DataView(frame.buffer).setUint16(12, etherType);
  frame.set(payload, ETHERNET);
  inNamespace(namespace, () => {
    const fd = libc.socket(AF_PACKET, SOCK_RAW, 0);
    const address = linkAddress(link);
    const sent = libc.sendto(fd, frame, frame.length, 0, address, address.length);
    libc.close(fd);
    if (sent !== frame.length) throw new Error(`Cannot send a frame on ${link}`);
  });
}

/** `struct sockaddr_ll` */
function linkAddress(link: string): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint32(4, libc.if_nametoindex(new TextEncoder().encode(`${link}\0`)), true);
  return address;
}
