/** Checks of what goes in datagrams: names, UDP in one piece and in fragments, ping. */

import { composeQuery, RECORD_TYPE } from "../wire/dns_query.ts";
import type { DatagramClient, Datagrams } from "./datagrams.ts";
import { readAddresses } from "./dns_client.ts";
import { FAMILIES, type Family, NAME, NAME_SERVER, Port, WEB } from "./plan.ts";
import { patternOf } from "./pattern.ts";
import { type Check, expect, NotChecked } from "./result.ts";

const PATIENCE = 4_000;
/** One that fits into a packet, and one that IP has to cut into six. */
const ECHO_SIZES = [64, 8192];
const PINGS = 3;
const PING_PAYLOAD = 56;

export function nameCheck(family: Family, datagrams: Datagrams, over: "UDP" | "TCP"): Check {
  const beyond = over === "UDP" ? "" : ", carried over TCP";
  return {
    name: `name lookup, IPv${family}${beyond}`,
    run: () =>
      withSocket(datagrams.udp(NAME_SERVER[family], Port.Dns), async (socket) => {
        const found: string[] = [];
        for (const asked of FAMILIES) {
          const query = composeQuery(0x1000 + asked, NAME, RECORD_TYPE[asked]);
          const answer = await socket.ask(query, PATIENCE);
          expect(answer !== undefined, `${NAME_SERVER[family]} did not answer`);
          found.push(...readAddresses(query, answer));
        }
        const expected = FAMILIES.map((asked) => WEB[asked]);
        expect(found.join() === expected.join(), `${NAME} is ${found.join(", ")}`);
        return `${NAME} is ${found.join(" and ")}`;
      }),
  };
}

export function echoCheck(family: Family, datagrams: Datagrams): Check {
  return {
    name: `UDP echo, IPv${family}`,
    run: () =>
      withSocket(datagrams.udp(WEB[family], Port.Echo), async (socket) => {
        for (const size of ECHO_SIZES) {
          const sent = patternOf(size);
          const answer = await socket.ask(sent, PATIENCE);
          expect(answer !== undefined, `a datagram of ${size} bytes did not come back`);
          expect(same(sent, answer), `a datagram of ${size} bytes came back changed`);
        }
        return `${ECHO_SIZES.join(" and ")} bytes came back, the latter in fragments`;
      }),
  };
}

/** Behind a proxy without UDP: an answer at once, so that programs fall back instead of waiting. */
export function udpRefusalCheck(family: Family, datagrams: Datagrams): Check {
  return {
    name: `other UDP refused, IPv${family}`,
    run: () =>
      withSocket(datagrams.udp(WEB[family], Port.Echo), async (socket) => {
        let answer: Uint8Array | undefined;
        try {
          answer = await socket.ask(patternOf(64), PATIENCE);
        } catch (error) {
          if (datagrams.isRefusal(error)) return "port unreachable (ECONNREFUSED), at once";
          throw error;
        }
        throw new Error(answer === undefined ? "silence, and no refusal" : "it was relayed");
      }),
  };
}

export function pingCheck(family: Family, datagrams: Datagrams): Check {
  return {
    name: `ping, IPv${family}`,
    async run() {
      for (let i = 0; i < PINGS; i++) {
        let answered: boolean;
        try {
          answered = await datagrams.ping(WEB[family], patternOf(PING_PAYLOAD), PATIENCE);
        } catch (error) {
          if (datagrams.isForbidden(error)) throw new NotChecked("this user may not ping");
          throw error;
        }
        expect(answered, `${WEB[family]} did not answer`);
      }
      return `${PINGS} of ${PINGS} answered by ${WEB[family]}`;
    },
  };
}

async function withSocket<T>(
  socket: DatagramClient,
  body: (socket: DatagramClient) => Promise<T>,
): Promise<T> {
  try {
    return await body(socket);
  } finally {
    socket.close();
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
