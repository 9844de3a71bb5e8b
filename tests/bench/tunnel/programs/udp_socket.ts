/** A connected or bound UDP socket that sends and receives many datagrams per call. */

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

export class UdpSender {
  readonly #fd: number;
  readonly #batch: Batch;
  readonly #batchSize: number;
  /** Datagrams per message: several when the kernel cuts a message into segments. */
  readonly #perMessage: number;

  /** Every datagram is one of `perMessage` equal parts of `message`. */
  constructor(to: Endpoint, message: Uint8Array<ArrayBuffer>, perMessage: number) {
    this.#fd = udpSocket();
    this.#perMessage = perMessage;
    if (perMessage > 1) setOption(this.#fd, SOL_UDP, UDP_SEGMENT, message.length / perMessage);
    this.#batchSize = Math.max(1, Math.floor(BATCH / perMessage));
    this.#batch = new Batch(message, message.length, 0);
    check("connect", libc.connect(this.#fd, socketAddress(to), SOCKADDR_SIZE));
  }

  /** Sends a batch; gives the number of datagrams that the system took. */
  send(): number {
    const sent = libc.sendmmsg(this.#fd, this.#batch.messages, this.#batchSize, 0);
    if (sent >= 0) return sent * this.#perMessage;
    // What an earlier datagram met is reported to a later one.
    if (errno() !== ECONNREFUSED) check("sendmmsg", sent);
    return 0;
  }
}

export class UdpReceiver {
  readonly port: number;
  readonly #fd: number;
  readonly #batch: Batch;
  #patience = 0;

  constructor(host: string, largest: number) {
    this.#fd = udpSocket();
    this.#batch = new Batch(new Uint8Array(BATCH * largest), largest, largest);
    check("bind", libc.bind(this.#fd, socketAddress({ host, port: 0 }), SOCKADDR_SIZE));
    const name = new Uint8Array(128);
    const length = new Uint8Array(128);
    length[0] = SOCKADDR_SIZE;
    check("getsockname", libc.getsockname(this.#fd, name, length));
    this.port = new DataView(name.buffer).getUint16(2);
  }

  /** The number of datagrams that came, at least one, or 0 after so many milliseconds of silence. */
  receive(patienceMs: number): number {
    if (patienceMs !== this.#patience) setPatience(this.#fd, this.#patience = patienceMs);
    const count = libc.recvmmsg(this.#fd, this.#batch.messages, BATCH, MSG_WAITFORONE, null);
    if (count < 0 && errno() === EAGAIN) return 0;
    return check("recvmmsg", count);
  }
}

function udpSocket(): number {
  const fd = check("socket", libc.socket(AF_INET, SOCK_DGRAM, 0));
  setBuffers(fd, BUFFERS);
  return fd;
}
