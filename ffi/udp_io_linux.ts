/** What one thread needs to receive and send datagrams of any number of sockets, on one block of memory. */

import type { Memory } from "./memory.ts";
import { UdpReceiver } from "./udp_receiver_linux.ts";
import { UdpSender } from "./udp_sender_linux.ts";

export class UdpIo {
  readonly receiver: UdpReceiver;
  readonly sender: UdpSender;

  constructor(memory: Memory) {
    this.receiver = new UdpReceiver(memory);
    this.sender = new UdpSender(memory);
  }

  free(): void {
    this.receiver.free();
    this.sender.free();
  }
}
