/**
 * Messages for `sendmmsg` and `recvmmsg`: so many `struct mmsghdr`, each with one vector, one address and
 * one control message, filled anew for every call. Nothing is allocated per call.
 *
 *     headers   name · name length · vector · control · flags · length      64 bytes each, behind one another
 *     vectors   address · length                                            16
 *     names     `struct sockaddr_in` or `sockaddr_in6`                      32
 *     controls  length · level · type · value                               32
 */

import { Memory } from "./memory.ts";

const HEADER_SIZE = 64;
const VECTOR_SIZE = 16;
export const NAME_SIZE = 32;
const CONTROL_SIZE = 32;
/** Of a control message with a value of up to 8 bytes, `CMSG_SPACE` of it. */
const CONTROL_SPACE = 24;

/** In words of 32 bits, from the beginning of a header. */
const NAME = 0;
const NAME_LENGTH = 2;
const VECTOR = 4;
const VECTOR_COUNT = 6;
const CONTROL = 8;
const CONTROL_LENGTH = 10;
const FLAGS = 12;
const LENGTH = 14;

export class MessageBatch {
  /** What a call is given; names are read from it and written to it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many messages there are. */
  readonly size: number;
  readonly #own: Memory;
  readonly #words: Uint32Array;
  /** Where vectors, names and controls begin. */
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;

  constructor(size: number) {
    this.size = size;
    this.#vectors = size * HEADER_SIZE;
    this.#names = this.#vectors + size * VECTOR_SIZE;
    this.#controls = this.#names + size * NAME_SIZE;
    this.#own = new Memory(this.#controls + size * CONTROL_SIZE);
    this.bytes = this.#own.bytes;
    this.#words = new Uint32Array(this.bytes.buffer);
    for (let index = 0; index < size; index++) this.#link(index);
  }

  /** Where the message's bytes lie: `length` of them at `at` of `memory`. */
  setVector(index: number, memory: Memory, at: number, length: number): void {
    const word = (this.#vectors + index * VECTOR_SIZE) >> 2;
    memory.writeAddress(this.#words, word, at);
    this.#words[word + 2] = length;
  }

  /** What a call is given to begin with a later message. */
  from(index: number): Uint8Array<ArrayBuffer> {
    return index === 0 ? this.bytes : this.bytes.subarray(index * HEADER_SIZE);
  }

  /** The message's address lies here, in `bytes`. */
  nameAt(index: number): number {
    return this.#names + index * NAME_SIZE;
  }

  /** So much of the name counts; 0 for a socket that is connected. */
  setNameLength(index: number, length: number): void {
    this.#words[header(index) + NAME_LENGTH] = length;
  }

  nameLength(index: number): number {
    return this.#words[header(index) + NAME_LENGTH]!;
  }

  /** Gives the message a control message of this kind, whose value is 16 bits. */
  setControl(index: number, level: number, type: number, value: number): void {
    const word = this.#controlWord(index);
    const words = this.#words;
    words[word] = CONTROL_SPACE - 6;
    words[word + 2] = level;
    words[word + 3] = type;
    words[word + 4] = value;
    words[header(index) + CONTROL_LENGTH] = CONTROL_SPACE;
  }

  clearControl(index: number): void {
    this.#words[header(index) + CONTROL_LENGTH] = 0;
  }

  /** Makes room for what the kernel says of a message that it receives. */
  prepareToReceive(index: number, nameRoom: number): void {
    const word = header(index);
    const words = this.#words;
    words[word + NAME_LENGTH] = nameRoom;
    words[word + CONTROL_LENGTH] = CONTROL_SPACE;
    words[word + FLAGS] = 0;
  }

  /** The value of the control message of that kind, or 0 when there is none. */
  control(index: number, level: number, type: number): number {
    if (this.#words[header(index) + CONTROL_LENGTH] === 0) return 0;
    const word = this.#controlWord(index);
    const words = this.#words;
    return words[word + 2] === level && words[word + 3] === type ? words[word + 4]! : 0;
  }

  /** How many bytes of the message were sent or received. */
  length(index: number): number {
    return this.#words[header(index) + LENGTH]!;
  }

  free(): void {
    this.#own.free();
  }

  #controlWord(index: number): number {
    return (this.#controls + index * CONTROL_SIZE) >> 2;
  }

  #link(index: number): void {
    const word = header(index);
    const words = this.#words;
    this.#own.writeAddress(words, word + NAME, this.nameAt(index));
    this.#own.writeAddress(words, word + VECTOR, this.#vectors + index * VECTOR_SIZE);
    words[word + VECTOR_COUNT] = 1;
    this.#own.writeAddress(words, word + CONTROL, this.#controls + index * CONTROL_SIZE);
  }
}

function header(index: number): number {
  return (index * HEADER_SIZE) >> 2;
}
