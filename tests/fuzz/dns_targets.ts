/** DNS messages from clients and from servers, and the streams that they come in over TCP. */

import { MessageReader } from "../../src/dns/message_reader.ts";
import { Transactions } from "../../src/dns/transactions.ts";
import { isQuery, questionEnd, readId, writeFlags, writeId } from "../../src/wire/dns.ts";
import { MAX_ERROR_LENGTH, truncate, writeError } from "../../src/wire/dns_answer.ts";
import {
  findOpt,
  questionsEnd,
  readUdpPayloadSize,
  skipRecord,
} from "../../src/wire/dns_records.ts";
import { describe, readName } from "../../src/wire/dns_text.ts";
import { exchanges } from "../vectors/dns/messages.ts";
import { type ByteFeed, byteTarget } from "./byte_target.ts";
import { Random } from "./random.ts";
import { hold } from "./target.ts";

const MESSAGES = exchanges.flatMap(({ query, answer }) => [query, answer]);

export const messageTarget = byteTarget({
  name: "dns-message",
  examples: MESSAGES,
  start: () => feedMessage,
});

const PRINTED = /^[\x20-\x7e]*$/;

function feedMessage(bytes: Uint8Array, at: number, end: number, random: Random): void {
  const within = (place: number): boolean => place === -1 || (place > at && place <= end);
  hold(within(questionEnd(bytes, at, end)), "the question ends outside");
  hold(within(questionsEnd(bytes, at, end)), "the questions end outside");
  hold(within(findOpt(bytes, at, end)), "OPT lies outside");
  hold(within(skipRecord(bytes, at, end)), "a record ends outside");
  hold(readUdpPayloadSize(bytes, at, end) >= 512, "less than 512 bytes over UDP");
  hold(PRINTED.test(readName(bytes, at, at + 12, end) ?? ""), "a name that does not print");
  const text = describe(bytes, at, end);
  hold(PRINTED.test(text) && text.length < 2_000, `described as ${JSON.stringify(text)}`);
  const out = new Uint8Array(MAX_ERROR_LENGTH);
  const outEnd = writeError(bytes, at, end, 2, 23, out, 0);
  hold((outEnd >= 0) === isQuery(bytes, at, end) && outEnd <= out.length, "an error answer");
  if (outEnd >= 0) hold(questionEnd(out, 0, outEnd) > 0, "an error answer without its question");
  const limit = random.below(600);
  const cut = truncate(bytes, at, end, limit);
  hold(
    cut === -1 || (cut >= at + 12 && cut <= end && cut - at <= limit),
    "cut to the wrong length",
  );
}

export const transactionsTarget = byteTarget({
  name: "dns-transactions",
  examples: MESSAGES,
  start: startTransactions,
});

const MOST_IN_FLIGHT = 64;

function startTransactions(seed: number): ByteFeed {
  const ids = new Random(seed);
  const transactions = new Transactions(() => ids.below(256), { max: MOST_IN_FLIGHT });
  let now = 0;
  let flown: number[] = [];
  return (bytes, at, end, random) => {
    now += random.below(100);
    const asked = transactions.begin(bytes, at, end, random.below(4), "192.0.2.53:53", now);
    if (asked !== undefined) flown.push(asked.id);
    // Make it look like an answer to something that was asked.
    if (end - at >= 12 && random.oneIn(2)) {
      writeId(bytes, at, random.pick([...flown.slice(-20), readId(bytes, at)]));
      writeFlags(bytes, at, 0x8180 | random.below(16));
    }
    const found = transactions.match(bytes, at, end, "192.0.2.53:53", now);
    if (found !== undefined) {
      const cut = found.restore(bytes, at, end);
      hold(cut <= end && readId(bytes, at) === found.originalId, "restored wrongly");
    }
    transactions.expire(now, (late) => hold(late.done, "expired, and not done"));
    hold(transactions.inFlight <= MOST_IN_FLIGHT, `${transactions.inFlight} in flight`);
    hold(transactions.nextDeadline() > now, "what was due is still due");
    flown = flown.slice(-100);
  };
}

export const streamTarget = byteTarget({
  name: "dns-stream",
  examples: MESSAGES.map((message) => Uint8Array.from([0, message.length, ...message])),
  start: () => feedStream,
});

/** In pieces and whole, the same messages come out. */
function feedStream(bytes: Uint8Array, at: number, end: number, random: Random): void {
  const whole = readStream(bytes, at, end, end - at);
  const pieces = readStream(bytes, at, end, 1 + random.below(50));
  hold(whole === pieces, "other messages in pieces than whole");
}

function readStream(bytes: Uint8Array, at: number, end: number, size: number): string {
  const seen: string[] = [];
  const reader = new MessageReader({
    message: (message, from, to) => {
      hold(from < to && to <= message.length, "an empty message");
      seen.push(`${to - from}:${message[from]}:${message[to - 1]}`);
    },
  });
  for (let from = at; from < end; from += size) {
    reader.receive(bytes, from, Math.min(from + size, end));
    hold(reader.buffered < 65_536, `${reader.buffered} bytes are held`);
  }
  return seen.join(" ");
}
