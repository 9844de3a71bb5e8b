/**
 * The tables of nftables, by netlink: no program is needed for it.
 *
 * A batch is one transaction. The kernel works it off within `send` and has answered by the time that
 * returns, so the calls are synchronous and never wait.
 */

import { get32, get32le, set32le } from "../src/bytes.ts";
import { check, Errno, errno, libc, SysError } from "./libc.ts";
import {
  type Attribute,
  attribute,
  NetfilterWriter,
  textAttribute,
} from "./netfilter_message_linux.ts";
import {
  attributeText,
  type NetlinkMessage,
  readAttributes,
  readMessages,
} from "./netlink_message_linux.ts";
import {
  deleteMessage,
  type KernelTable,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO_INET,
  NftMessage,
  OBJECT_COUNTER,
  replaceMessages,
  type TableMessage,
} from "./nftables_table_linux.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const MSG_DONTWAIT = 0x40;

const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NLM_F_ACK = 0x04;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const NLM_F_ACK_TLVS = 0x200;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;

const FAMILY_SIZE = 4;
const RECEIVE_SIZE = 32768;
/** Beyond this a batch may not fit into what the system lets a socket send at once. */
const SEND_SIZE = 65536;

export interface CounterValue {
  readonly packets: number;
  readonly bytes: number;
}

/** A table, or part of one, that the kernel refused. */
export class NftablesError extends SysError {
  /** Such as "rule 3 of chain output". */
  readonly part: string;

  constructor(part: string, code: number, words: string) {
    super(`nftables, ${part},`, code);
    this.part = part;
    if (words !== "") this.message += ` (${words})`;
  }
}

/** Tables of the family inet, in the network namespace that the thread is in when this is made. */
export class NftablesSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #sequence = 0;
  #closed = false;

  constructor() {
    this.#fd = check("socket", libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
    // Only words and brevity depend on these two: a refusal changes nothing else.
    this.#set(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    this.#set(SOL_NETLINK, NETLINK_CAP_ACK, 1);
  }

  /** Makes the tables in place of those of the same names: all of them at one moment, or none. */
  replaceTables(tables: readonly KernelTable[]): void {
    this.#transact(tables.flatMap(replaceMessages));
  }

  /** Deletes the table, with all that is in it. False when there was none. */
  deleteTable(name: string): boolean {
    try {
      this.#transact([deleteMessage(name)]);
      return true;
    } catch (error) {
      if (error instanceof SysError && error.code === Errno.ENOENT) return false;
      throw error;
    }
  }

  tableNames(): string[] {
    return this.#dump("tables", NftMessage.GetTable, NftMessage.NewTable, []).map((attributes) =>
      attributeText(attributes.get(1))
    );
  }

  /** The named counters of a table; none where there is no such table. */
  counters(table: string): Map<string, CounterValue> {
    const wanted = [textAttribute(1, table), attribute(3, OBJECT_COUNTER)];
    const found = this.#dump("counters", NftMessage.GetObject, NftMessage.NewObject, wanted);
    // Kernels that do not know how to choose send all of them.
    return new Map(
      found.filter((attributes) =>
        attributeText(attributes.get(1)) === table && number(attributes.get(3)) === OBJECT_COUNTER
      ).map((attributes) => [attributeText(attributes.get(2)), counterValue(attributes.get(4))]),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
  }

  #set(level: number, option: number, value: number): void {
    const octets = new Uint8Array(128);
    set32le(octets, 0, value);
    libc().setsockopt(this.#fd, level, option, octets, 4);
  }

  #transact(messages: readonly TableMessage[]): void {
    const writer = new NetfilterWriter();
    const first = this.#sequence + 1;
    const edge = { flags: 0, family: 0, resource: NFNL_SUBSYS_NFTABLES, attributes: [] };
    writer.message({ ...edge, type: NFNL_MSG_BATCH_BEGIN }, 0);
    messages.forEach((message, index) => {
      // One acknowledgement says that all was done; more of them would only fill the buffer.
      const flags = message.flags | (index === messages.length - 1 ? NLM_F_ACK : 0);
      writer.message(request(message.type, flags, message.attributes), first + index);
    });
    writer.message({ ...edge, type: NFNL_MSG_BATCH_END }, 0);
    this.#sequence += messages.length;
    this.#send("nftables", writer.written());
    this.#expectSuccess(messages, first);
  }

  /** Every part that failed has an answer of its own; the first of them caused the others. */
  #expectSuccess(messages: readonly TableMessage[], first: number): void {
    let done = false;
    let refused: NftablesError | undefined;
    for (const message of this.#answers()) {
      if (message.type !== NLMSG_ERROR) continue;
      const index = message.sequence - first;
      const code = errorNumber(message);
      const part = messages[index]?.part ?? "the batch";
      if (code !== 0) refused ??= new NftablesError(part, code, errorWords(message));
      else if (index === messages.length - 1) done = true;
    }
    if (refused !== undefined) throw refused;
    if (!done) throw new NftablesError("the batch", Errno.EIO, "no answer");
  }

  /** What the kernel has answered by now. */
  *#answers(): Generator<NetlinkMessage> {
    while (true) {
      const size = BigInt(RECEIVE_SIZE);
      const received = Number(libc().recv(this.#fd, this.#buffer, size, MSG_DONTWAIT));
      if (received < 0) {
        const code = errno();
        if (code === Errno.EAGAIN) return;
        if (code === Errno.EINTR) continue;
        throw new SysError("nftables receive", code);
      }
      yield* readMessages(this.#buffer, received);
    }
  }

  /** The attributes of every object of a kind; asked again when they changed meanwhile. */
  #dump(
    what: string,
    type: number,
    wanted: number,
    attributes: readonly Attribute[],
  ): Map<number, Uint8Array>[] {
    while (true) {
      const sequence = ++this.#sequence;
      const writer = new NetfilterWriter();
      writer.message(request(type, NLM_F_DUMP, attributes), sequence);
      this.#send(`nftables ${what}`, writer.written());
      const found = this.#collect(what, sequence, wanted);
      if (found !== undefined) return found;
    }
  }

  #collect(
    what: string,
    sequence: number,
    wanted: number,
  ): Map<number, Uint8Array>[] | undefined {
    const found: Map<number, Uint8Array>[] = [];
    let changed = false;
    for (const message of this.#answers()) {
      if (message.sequence !== sequence) continue;
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) changed = true;
      if (message.type === NLMSG_DONE) return changed ? undefined : found;
      if (message.type === NLMSG_ERROR) {
        throw new NftablesError(what, errorNumber(message), errorWords(message));
      }
      if (message.type !== (NFNL_SUBSYS_NFTABLES << 8 | wanted)) continue;
      found.push(readAttributes(message.bytes, message.at + FAMILY_SIZE, message.end));
    }
    throw new NftablesError(what, Errno.EIO, "no answer");
  }

  #send(call: string, bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length > SEND_SIZE) this.#set(SOL_SOCKET, SO_SNDBUFFORCE, bytes.length * 2);
    check(`${call} send`, libc().send(this.#fd, bytes, BigInt(bytes.length), 0));
  }
}

function request(type: number, flags: number, attributes: readonly Attribute[]) {
  return {
    type: NFNL_SUBSYS_NFTABLES << 8 | type,
    flags,
    family: NFPROTO_INET,
    resource: 0,
    attributes,
  };
}

function errorNumber({ bytes, at }: NetlinkMessage): number {
  return -(get32le(bytes, at) | 0);
}

/** The kernel's own words, behind the error number and the header of the request. */
function errorWords({ bytes, at, end, flags }: NetlinkMessage): string {
  if ((flags & NLM_F_ACK_TLVS) === 0) return "";
  return attributeText(readAttributes(bytes, at + 20, end).get(NLMSGERR_ATTR_MSG));
}

function number(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : get32(value, 0);
}

function counterValue(value: Uint8Array | undefined): CounterValue {
  const parts = value === undefined ? undefined : readAttributes(value, 0, value.length);
  return { bytes: number64(parts?.get(1)), packets: number64(parts?.get(2)) };
}

function number64(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : get32(value, 0) * 0x1_0000_0000 + get32(value, 4);
}
