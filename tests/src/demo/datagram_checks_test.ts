import { assertEquals } from "@std/assert";
import { parseAddress } from "../../../src/addr/address.ts";
import {
  echoCheck,
  nameCheck,
  pingCheck,
  udpRefusalCheck,
} from "../../../src/demo/datagram_checks.ts";
import type { Datagrams } from "../../../src/demo/datagrams.ts";
import { answerQuery } from "../../../src/demo/dns_zone.ts";
import { NAME, WEB } from "../../../src/demo/plan.ts";
import { type Check, runCheck } from "../../../src/demo/result.ts";

class Refused extends Error {}
class Forbidden extends Error {}

type Answer = (datagram: Uint8Array) => Uint8Array | undefined;

/** A world in which every datagram is answered like this; what is opened must be closed. */
function world(answer: Answer, ping = () => Promise.resolve(true)) {
  const open = { sockets: 0 };
  const datagrams: Datagrams = {
    udp() {
      open.sockets++;
      return {
        ask: (datagram) => Promise.resolve().then(() => answer(datagram)),
        close: () => void open.sockets--,
      };
    },
    ping,
    isRefusal: (error) => error instanceof Refused,
    isForbidden: (error) => error instanceof Forbidden,
  };
  return { datagrams, open };
}

async function outcome(make: (datagrams: Datagrams) => Check, ...how: Parameters<typeof world>) {
  const { datagrams, open } = world(...how);
  const { result, seen } = await runCheck(make(datagrams));
  assertEquals(open.sockets, 0);
  return `${result}: ${seen}`;
}

const silent: Answer = () => undefined;
const refusing: Answer = () => {
  throw new Refused("recv failed: ECONNREFUSED");
};
const echoing: Answer = (datagram) => datagram.slice();

Deno.test("names: both families, and the right ones", async () => {
  const server = (...addresses: string[]): Answer => (query) =>
    answerQuery(query, new Map([[NAME, addresses.map((text) => parseAddress(text)!)]]), "udp");
  const check = (datagrams: Datagrams) => nameCheck(4, datagrams, "UDP");
  assertEquals(
    await outcome(check, server(WEB[4], WEB[6])),
    "ok: www.demo.test is 192.0.2.80 and 2001:db8::80",
  );
  assertEquals(
    await outcome(check, server("192.0.2.1", WEB[6])),
    "fail: www.demo.test is 192.0.2.1, 2001:db8::80",
  );
  assertEquals(await outcome(check, server(WEB[4])), "fail: the answer has no address");
  assertEquals(await outcome(check, silent), "fail: 192.0.2.53 did not answer");
});

Deno.test("echo: the same bytes, small and large", async () => {
  const check = (datagrams: Datagrams) => echoCheck(6, datagrams);
  const seen = "64 and 8192 bytes came back, the latter in fragments";
  assertEquals(await outcome(check, echoing), `ok: ${seen}`);
  const small: Answer = (datagram) => datagram.length > 1400 ? undefined : datagram;
  assertEquals(await outcome(check, small), "fail: a datagram of 8192 bytes did not come back");
  const changing: Answer = (datagram) => datagram.with(9, 255);
  assertEquals(await outcome(check, changing), "fail: a datagram of 64 bytes came back changed");
  assertEquals(await outcome(check, refusing), "fail: recv failed: ECONNREFUSED");
});

Deno.test("refusal: an error, and neither silence nor an answer", async () => {
  const check = (datagrams: Datagrams) => udpRefusalCheck(4, datagrams);
  assertEquals(await outcome(check, refusing), "ok: port unreachable (ECONNREFUSED), at once");
  assertEquals(await outcome(check, silent), "fail: silence, and no refusal");
  assertEquals(await outcome(check, echoing), "fail: it was relayed");
});

Deno.test("ping: answered every time, or not allowed", async () => {
  const check = (datagrams: Datagrams) => pingCheck(4, datagrams);
  assertEquals(await outcome(check, silent), "ok: 3 of 3 answered by 192.0.2.80");
  const deaf = () => Promise.resolve(false);
  assertEquals(await outcome(check, silent, deaf), "fail: 192.0.2.80 did not answer");
  const forbidden = () => Promise.reject(new Forbidden());
  assertEquals(
    await outcome(check, silent, forbidden),
    "skip: not checked: this user may not ping",
  );
});
