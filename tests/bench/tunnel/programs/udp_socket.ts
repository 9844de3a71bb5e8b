/** A UDP socket that sends and receives many datagrams per call. */

import { type Endpoint, SOCKADDR_SIZE, socketAddress } from "./endpoint.ts";
import {
  check,
  EAGAIN,
  ECONNREFUSED,
  errno,
  libc,
  setBuffers,
  setOption,
  setPatience,
} from "./libc.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const MSG_WAITFORONE = 0x10000;
const BUFFERS = 4 << 20;
/** `struct mmsghdr`, `struct iovec`, and where in the first the pointer to the second stands. */
const MESSAGE_SIZE = 64;
const VECTOR_SIZE = 16;
const VECTOR_AT = 16;
const VECTOR_COUNT_AT = 24;
export const BATCH = 64;

/** `BATCH` message headers, each over its own part of `payload`, or all over the same. */
class Batch {
  readonly messages = new Uint8Array(BATCH * MESSAGE_SIZE);
  readonly #vectors = new Uint8Array(BATCH * VECTOR_SIZE);
  /** Named here, so that it lives as long as the kernel may touch it. */
  readonly payload: Uint8Array<ArrayBuffer>;

  constructor(payload: Uint8Array<ArrayBuffer>, length: number, stride: number) {
    this.payload = payload;
    const messages = new DataView(this.messages.buffer);
    const vectors = new DataView(this.#vectors.buffer);
    for (let index = 0; index < BATCH; index++) {
      vectors.setBigUint64(index * VECTOR_SIZE, addressOf(payload) + BigInt(index * stride), true);
      vectors.setBigUint64(index * VECTOR_SIZE + 8, BigInt(length), true);
      const vector = addressOf(this.#vectors) + BigInt(index * VECTOR_SIZE);
      messages.setBigUint64(index * MESSAGE_SIZE + VECTOR_AT, vector, true);
      messages.setBigUint64(index * MESSAGE_SIZE + VECTOR_COUNT_AT, 1n, true);
    }
  }
}

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

export class UdpSocket {
  readonly #fd = check("socket", libc.socket(AF_INET, SOCK_DGRAM, 0));

  constructor() {
    setBuffers(this.#fd, BUFFERS);
  }

  connect(to: Endpoint): void {
    check("connect", libc.connect(this.#fd, socketAddress(to), SOCKADDR_SIZE));
  }

  /** Takes a free port at the address, and says which. */
  bind(host: string): number {
    check("bind", libc.bind(this.#fd, socketAddress({ host, port: 0 }), SOCKADDR_SIZE));
    const name = new Uint8Array(128);
    check("getsockname", libc.getsockname(this.#fd, name, nameLength()));
    return new DataView(name.buffer).getUint16(2);
  }

  /** Waits for a datagram, and connects to whoever sent it. */
  acceptFirst(patienceMs: number): void {
    setPatience(this.#fd, patienceMs);
    const [name, length] = [new Uint8Array(128), nameLength()];
    const got = libc.recvfrom(this.#fd, new Uint8Array(2048), 2048n, 0, name, length);
    check("recvfrom", got);
    check("connect", libc.connect(this.#fd, name, SOCKADDR_SIZE));
  }

  /** Of datagrams that are each one of `perMessage` equal parts of `message`. */
  sender(message: Uint8Array<ArrayBuffer>, perMessage: number): UdpSender {
    return new UdpSender(this.#fd, message, perMessage);
  }

  receiver(largest: number): UdpReceiver {
    return new UdpReceiver(this.#fd, largest);
  }
}

export class UdpSender {
  readonly #fd: number;
  readonly #batch: Batch;
  readonly #batchSize: number;
  /** Datagrams per message: several when the kernel cuts a message into segments. */
  readonly #perMessage: number;

  constructor(fd: number, message: Uint8Array<ArrayBuffer>, perMessage: number) {
    this.#fd = fd;
    this.#perMessage = perMessage;
    if (perMessage > 1) setOption(fd, SOL_UDP, UDP_SEGMENT, message.length / perMessage);
    this.#batchSize = Math.max(1, Math.floor(BATCH / perMessage));
    this.#batch = new Batch(message, message.length, 0);
  }

  /** Sends a batch; gives the number of datagrams that the system took. */
  send(): number {
    return this.#send(this.#batchSize);
  }

  sendOne(): void {
    this.#send(1);
  }

  #send(messages: number): number {
    const sent = libc.sendmmsg(this.#fd, this.#batch.messages, messages, 0);
    if (sent >= 0) return sent * this.#perMessage;
    // What an earlier datagram met is reported to a later one.
    if (errno() !== ECONNREFUSED) check("sendmmsg", sent);
    return 0;
  }
}

export class UdpReceiver {
  readonly #fd: number;
  readonly #batch: Batch;
  #patience = 0;

  constructor(fd: number, largest: number) {
    this.#fd = fd;
    this.#batch = new Batch(new Uint8Array(BATCH * largest), largest, largest);
  }

  /** The number of datagrams that came, at least one, or 0 after so many milliseconds of silence. */
  receive(patienceMs: number): number {
    if (patienceMs !== this.#patience) setPatience(this.#fd, this.#patience = patienceMs);
    const count = libc.recvmmsg(this.#fd, this.#batch.messages, BATCH, MSG_WAITFORONE, null);
    if (count < 0 && errno() === EAGAIN) return 0;
    return check("recvmmsg", count);
  }
}

function nameLength(): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(128);
  length[0] = SOCKADDR_SIZE;
  return length;
}
