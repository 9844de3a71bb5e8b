import { assertEquals, assertRejects } from "@std/assert";
import type { AskServer } from "../../../src/capture/dns_exchange.ts";
import type { ProbeIo } from "../../../src/capture/probe.ts";
import { prove } from "../../../src/capture/prove.ts";
import { UserError } from "../../../src/errors.ts";
import { KeptLog } from "../../support/fake_host.ts";

const NEVER = new Promise<never>(() => {});
/** The question itself, as an answer. */
const answering: AskServer = (_, query) => {
  const answer = query.slice();
  answer[2]! |= 0x80;
  return Promise.resolve(answer);
};
const silent: AskServer = (_, __, signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

function proof(ask: AskServer, hurry: Promise<void> = NEVER, log = new KeptLog()): Promise<void> {
  const io: ProbeIo = { udp: ask, tcp: ask, port: 53, now: () => 0 };
  const figures = () => Promise.resolve({ proxyUdp: "relays" as const });
  return prove({ device: "ztun0", servers: ["9.9.9.9"], engine: { figures }, hurry, log, io });
}

Deno.test("prove: what arrives is told of", async () => {
  const log = new KeptLog();
  await proof(answering, NEVER, log);
  assertEquals(log.lines, [
    "TCP through ztun0: 9.9.9.9 answered in 0 ms",
    "DNS through ztun0: 9.9.9.9 answered in 0 ms",
    "UDP through ztun0: 9.9.9.9 answered in 0 ms",
  ]);
});

Deno.test("prove: what does not arrive is an error", async () => {
  const refusing: AskServer = () => Promise.reject(new Error("refused"));
  await assertRejects(
    () => proof(refusing),
    UserError,
    "TCP does not get through the tunnel ztun0",
  );
});

Deno.test("prove: who wants to stop does not wait for it, and it is no error", async () => {
  const hurry = Promise.withResolvers<void>();
  const proving = proof(silent, hurry.promise);
  hurry.resolve();
  await proving;
});

Deno.test("prove: nor when the engine does not answer any more", async () => {
  const hurry = Promise.withResolvers<void>();
  const engine = { figures: () => NEVER };
  const proving = prove({
    device: "ztun0",
    servers: [],
    engine,
    hurry: hurry.promise,
    log: new KeptLog(),
  });
  hurry.resolve();
  await proving;
});
