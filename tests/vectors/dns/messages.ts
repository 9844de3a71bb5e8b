/**
 * DNS messages to test with.
 *
 * `captures.json` was recorded on loopback between dig 9 and dnsmasq 2.90 (authoritative for "example").
 * The others are put together by hand: what those two would not send.
 */

import captures from "./captures.json" with { type: "json" };

export interface Exchange {
  name: string;
  query: Uint8Array;
  answer: Uint8Array;
}

export const exchanges: Exchange[] = captures.map(({ name, query, answer }) => ({
  name,
  query: unhex(query),
  answer: unhex(answer),
}));

/** A fresh copy of a recorded exchange. */
export function exchange(name: string): Exchange {
  const found = exchanges.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no capture "${name}"`);
  return { name, query: found.query.slice(), answer: found.answer.slice() };
}

/** Bytes from hexadecimal digits; blanks between them do not count. */
export function unhex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => {
    return Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  });
}

const HEADER = "1234 8180 0001 0001 0000 0000";
const QUESTION = "0161 0162 00 0001 0001";
const RECORD_TAIL = "0001 0001 00000e10 0004 c0000201";

/** An answer with EDNS and a full cookie (RFC 7873), in which the OPT record has options. */
export const cookieAnswer = unhex(
  `1234 8180 0001 0001 0000 0001 ${QUESTION} c00c ${RECORD_TAIL}
   00 0029 04d0 0000 8000 001c 000a 0018 0102030405060708 1112131415161718191a1b1c1d1e1f20`,
);

/** What a DNS message is not, or should not be. None of them may be more than "malformed". */
export const hostile: Record<string, Uint8Array> = {
  empty: new Uint8Array(0),
  "header cut short": unhex("1234 0100 0001 0000 0000"),
  "header only": unhex("1234 0100 0001 0000 0000 0000"),
  "no question": unhex("1234 0100 0000 0000 0000 0000"),
  "question points to itself": unhex("1234 0100 0001 0000 0000 0000 c00c 0001 0001"),
  "question points into the header": unhex("1234 0100 0001 0000 0000 0000 0161 c000 0001 0001"),
  "question cut in its type": unhex("1234 0100 0001 0000 0000 0000 0161 00 0001 00"),
  "label longer than the message": unhex("1234 0100 0001 0000 0000 0000 3f61"),
  "reserved label type": unhex("1234 0100 0001 0000 0000 0000 4161 00 0001 0001"),
  "name of 256 bytes": unhex(
    `1234 0100 0001 0000 0000 0000 ${`3f${"61".repeat(63)}`.repeat(3)} 3e${
      "61".repeat(62)
    } 00 0001 0001`,
  ),
  "owner points to itself": unhex(`${HEADER} ${QUESTION} c015 ${RECORD_TAIL}`),
  "owner points forward": unhex(`${HEADER} ${QUESTION} c020 ${RECORD_TAIL}`),
  "two pointers in a circle": unhex(
    `1234 8180 0001 0002 0000 0000 ${QUESTION} c021 0005 0001 00000e10 0002 c023 c015 ${RECORD_TAIL}`,
  ),
  "alias points to itself": unhex(`${HEADER} ${QUESTION} c00c 0005 0001 00000e10 0002 c021`),
  "record cut short": unhex(`${HEADER} ${QUESTION} c00c 0001 0001 00000e10 0004 c000`),
  "data longer than the message": unhex(`${HEADER} ${QUESTION} c00c 0001 0001 00000e10 ffff c000`),
  "counts of 65535": unhex(`1234 8180 ffff ffff ffff ffff ${QUESTION} c00c ${RECORD_TAIL}`),
  "option record cut short": unhex(`1234 0100 0001 0000 0000 0001 ${QUESTION} 00 0029 04d0 0000`),
};

/** The longest name there is, 255 bytes on the wire. */
export const longestName = unhex(
  `1234 0100 0001 0000 0000 0000 ${`3f${"61".repeat(63)}`.repeat(3)} 3d${
    "61".repeat(61)
  } 00 0001 0001`,
);
