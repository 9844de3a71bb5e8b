/** What a datagram needs besides IP and UDP: the SOCKS5 header, and for DNS the question. */

import { isQuery, questionEnd, questionEquals } from "../../src/wire/dns.ts";
import { newUdpHeader, readUdpHeader, writeUdpHeader } from "../../src/wire/socks5.ts";
import { exchanges } from "../vectors/dns/messages.ts";
import { measure } from "./measure.ts";
import { withReference } from "./reference.ts";

const bytes = new Uint8Array(128);
const address = new Uint8Array(32).map((_, index) => index * 7);
let turn = 0;

function benchHeader(family: string, length: 4 | 16): void {
  const header = newUdpHeader();
  measure(`SOCKS5 UDP header: write, ${family}`, () => {
    const at = turn++ & 15;
    return writeUdpHeader(bytes, at, address, at, length, turn & 0xffff);
  });
  const datagrams = new Uint8Array(16 * 64);
  for (let i = 0; i < 16; i++) writeUdpHeader(datagrams, i * 64, address, i, length, i * 999);
  measure(`SOCKS5 UDP header: read, ${family}`, () => {
    const at = (turn++ & 15) * 64;
    if (!readUdpHeader(datagrams, at, at + 64, header)) throw new Error("Cannot read the header");
    return header.addressAt + header.port;
  });
}

function benchQuestion(): void {
  const whole = exchanges.filter(({ query, answer }) =>
    questionEnd(query, 0, query.length) > 0 &&
    questionEquals(query, 0, query.length, answer, 0, answer.length)
  );
  measure("DNS: is it a query", () => {
    const { query } = whole[turn++ % whole.length]!;
    return isQuery(query, 0, query.length) ? query.length : 0;
  });
  measure("DNS: does the answer ask the same", () => {
    const { query, answer } = whole[turn++ % whole.length]!;
    return questionEquals(query, 0, query.length, answer, 0, answer.length) ? turn : 0;
  });
}

withReference(() => {
  benchHeader("IPv4", 4);
  benchHeader("IPv6", 16);
  benchQuestion();
});
