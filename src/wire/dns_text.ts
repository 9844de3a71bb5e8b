/**
 * DNS messages as text, for logs and traces. What comes off the wire is escaped, so that a name cannot
 * forge a line of a log.
 */

import { get16, get8 } from "../bytes.ts";
import {
  check,
  HEADER_LENGTH,
  isResponse,
  isTruncated,
  MAX_LABEL,
  MAX_NAME,
  questionEnd,
  readAnswerCount,
  readId,
  readOpcode,
  readQuestionType,
  readRcode,
} from "./dns.ts";
import { isPointer, questionsEnd, RECORD_FIXED, skipName, skipRecord } from "./dns_records.ts";

const TYPE_CNAME = 5;
/** Each pointer must lead backwards, so loops end anyhow; this ends the long staircases too. */
const MAX_POINTERS = 32;
/** As many answer records as a line of a log bears. */
const MAX_SHOWN = 8;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [12, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
  [35, "NAPTR"],
  [39, "DNAME"],
  [41, "OPT"],
  [43, "DS"],
  [46, "RRSIG"],
  [47, "NSEC"],
  [48, "DNSKEY"],
  [52, "TLSA"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [251, "IXFR"],
  [252, "AXFR"],
  [255, "ANY"],
  [257, "CAA"],
]);

const RCODE_NAMES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] as const;
const OPCODE_NAMES = ["QUERY", "IQUERY", "STATUS", "3", "NOTIFY", "UPDATE"] as const;

/**
 * The name at `p` of the message that starts at `at`, with its closing dot, or undefined when it is
 * malformed. Compression pointers are followed.
 */
export function readName(
  bytes: Uint8Array,
  at: number,
  p: number,
  end: number,
): string | undefined {
  let text = "";
  let wireLength = 1;
  let pointers = 0;
  let ceiling = p;
  while (p < end) {
    const length = get8(bytes, p);
    if (length === 0) return text === "" ? "." : text;
    if (isPointer(length)) {
      if (p + 2 > end || ++pointers > MAX_POINTERS) return undefined;
      p = at + (get16(bytes, p) & 0x3fff);
      if (p >= ceiling || p < at + HEADER_LENGTH) return undefined;
      ceiling = p;
      continue;
    }
    wireLength += 1 + length;
    if (length > MAX_LABEL || wireLength > MAX_NAME || p + 1 + length > end) return undefined;
    text += labelText(bytes, p + 1, p + 1 + length) + ".";
    p += 1 + length;
  }
  return undefined;
}

/** One line: what is asked, and for a response how it went and what it holds. */
export function describe(bytes: Uint8Array, at: number, end: number): string {
  if (check(bytes, at, end) < 0) return `dns message cut short (${end - at} bytes)`;
  const id = `0x${readId(bytes, at).toString(16).padStart(4, "0")}`;
  const opcode = readOpcode(bytes, at);
  const verb = opcode === 0 ? "" : ` ${OPCODE_NAMES[opcode] ?? opcode}`;
  const question = describeQuestion(bytes, at, end);
  if (!isResponse(bytes, at)) return `query ${id}${verb} ${question}`;
  const rcode = readRcode(bytes, at);
  const truncated = isTruncated(bytes, at) ? " truncated" : "";
  const answers = describeAnswers(bytes, at, end);
  return `answer ${id}${verb} ${RCODE_NAMES[rcode] ?? rcode}${truncated} ${question}${answers}`;
}

function describeQuestion(bytes: Uint8Array, at: number, end: number): string {
  const stop = questionEnd(bytes, at, end);
  if (stop < 0) return "(no question)";
  return `${readName(bytes, at, at + HEADER_LENGTH, end)} ${
    typeName(readQuestionType(bytes, stop))
  }`;
}

function describeAnswers(bytes: Uint8Array, at: number, end: number): string {
  const count = readAnswerCount(bytes, at);
  if (count === 0) return "";
  const shown: string[] = [];
  let p = questionsEnd(bytes, at, end);
  while (p >= 0 && shown.length < Math.min(count, MAX_SHOWN)) {
    const next = skipRecord(bytes, p, end);
    if (next < 0) return `: ${[...shown, "malformed"].join(", ")}`;
    shown.push(describeRecord(bytes, at, p, end));
    p = next;
  }
  if (p < 0) return ": malformed";
  const more = count - shown.length;
  return `: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** `skipRecord` has said that there is a whole record at `p`. */
function describeRecord(bytes: Uint8Array, at: number, p: number, end: number): string {
  const fixed = skipName(bytes, p, end);
  const type = get16(bytes, fixed);
  if (type !== TYPE_CNAME) return typeName(type);
  return `CNAME ${readName(bytes, at, fixed + RECORD_FIXED, end) ?? "malformed"}`;
}

function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** RFC 1035 section 5.1: `\.` for a dot inside a label, `\DDD` for what is not printable. */
function labelText(bytes: Uint8Array, p: number, end: number): string {
  let text = "";
  for (; p < end; p++) {
    const code = get8(bytes, p);
    if (code <= 0x20 || code >= 0x7f) text += `\\${code.toString().padStart(3, "0")}`;
    else if (code === 0x2e || code === 0x5c) text += `\\${String.fromCharCode(code)}`;
    else text += String.fromCharCode(code);
  }
  return text;
}
