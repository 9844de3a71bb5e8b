import { assertEquals, assertRejects } from "@std/assert";
import { askOverTcp, udpAsker } from "../../../src/capture/dns_exchange.ts";
import {
  describeProbe,
  probeFailure,
  type ProbeIo,
  type ProbeOptions,
  type ProbeReport,
  probeTunnel,
} from "../../../src/capture/probe.ts";
import { startDnsServer } from "../../../src/demo/dns_server.ts";
import { ClosedPort } from "../../support/closed_port.ts";
import { type DnsPorts, tcpServer, through, udpServer } from "../../support/dns_ports.ts";

const GOOD = "192.0.2.1";
const BAD = "192.0.2.2";

/** Each reading of the clock is a millisecond later. */
function io(tcp: DnsPorts, udp = tcp): ProbeIo {
  let now = 0;
  return {
    tcp: through(tcp, askOverTcp),
    udp: through(udp, udpAsker(0)),
    port: 53,
    now: () => now++,
  };
}

function probe(io: ProbeIo, rest: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
  return probeTunnel({ device: "ztun0", servers: [GOOD], udpRelayed: true, io, ...rest });
}

const silentUdp = () => udpServer(() => undefined);
const silentTcp = () =>
  tcpServer(async (connection) => {
    // Until the other end closes.
    while (await connection.read(new Uint8Array(64)) !== null);
  });

Deno.test("a tunnel that carries all is proved by one server", async () => {
  const server = startDnsServer("127.0.0.1", new Map());
  const report = await probe(io({ [GOOD]: server.port }));
  assertEquals(report.ok, true);
  assertEquals(describeProbe(report).map((line) => line.replace(/\d+ ms/, "N ms")), [
    `TCP through ztun0: ${GOOD} answered in N ms`,
    `DNS through ztun0: ${GOOD} answered in N ms`,
    `UDP through ztun0: ${GOOD} answered in N ms`,
  ]);
  await server.close();
});

Deno.test("UDP that the proxy does not relay is no failure", async () => {
  const server = startDnsServer("127.0.0.1", new Map());
  const report = await probe(io({ [GOOD]: server.port }), { udpRelayed: false });
  assertEquals(report.ok, true);
  assertEquals(describeProbe(report)[2], "UDP through ztun0: not relayed by the proxy");
  await server.close();
});

Deno.test("one server that answers is enough; those that are silent are let go", async () => {
  const server = startDnsServer("127.0.0.1", new Map());
  const [udp, tcp] = [silentUdp(), silentTcp()];
  const ports = io(
    { [BAD]: tcp.port, [GOOD]: server.port },
    { [BAD]: udp.port, [GOOD]: server.port },
  );
  const report = await probe(ports, { servers: [BAD, GOOD], timeoutMs: 600_000 });
  assertEquals(report.steps.map((step) => step.state === "ok" && step.server), [GOOD, GOOD, GOOD]);
  await Promise.all([server, udp, tcp].map((each) => each.close()));
});

Deno.test("silence ends", async () => {
  const [udp, tcp] = [silentUdp(), silentTcp()];
  const report = await probe(io({ [BAD]: tcp.port }, { [BAD]: udp.port }), {
    servers: [BAD],
    timeoutMs: 100,
  });
  assertEquals(report.ok, false);
  assertEquals(describeProbe(report), [
    `TCP through ztun0: ${BAD}: no answer`,
    `DNS through ztun0: ${BAD}: no answer`,
    `UDP through ztun0: ${BAD}: no answer`,
  ]);
  await Promise.all([udp, tcp].map((each) => each.close()));
});

Deno.test("a failure names every server, and a way to start", async () => {
  using tcp = new ClosedPort("tcp");
  const hangsUp = tcpServer(async (connection) => void await connection.read(new Uint8Array(64)));
  using udp = new ClosedPort("udp");
  const ports = io(
    { [BAD]: hangsUp.port, [GOOD]: tcp.port },
    { [BAD]: udp.port, [GOOD]: udp.port },
  );
  const { message, hint } = probeFailure(await probe(ports, { servers: [BAD, GOOD] }));
  assertEquals(
    message,
    "TCP does not get through the tunnel ztun0: " +
      `${BAD}: closed without an answer; ${GOOD}: connection refused`,
  );
  assertEquals(
    hint,
    "Take a DNS server that the proxy can reach, such as `--dns-server 9.9.9.9`; " +
      "`--no-probe` starts without this proof",
  );
  await hangsUp.close();
});

Deno.test("the tunnel's own word that a server failed is no proof", async () => {
  const server = startDnsServer("127.0.0.1", new Map());
  const failing = udpServer((query) => {
    query[2] = 0x81;
    query[3] = 0x82;
    return query;
  });
  const report = await probe(io({ [GOOD]: server.port }, { [GOOD]: failing.port }));
  assertEquals(report.steps.map(({ state }) => state), ["ok", "failed", "failed"]);
  const { message, hint } = probeFailure(report);
  assertEquals(message, `DNS does not get through the tunnel ztun0: ${GOOD}: server failure`);
  assertEquals(
    hint,
    "`--udp off` sends names over TCP; `--no-probe` starts without this proof",
  );
  await Promise.all([server, failing].map((each) => each.close()));
});

Deno.test("an answer whose question is broken off is none", async () => {
  const server = startDnsServer("127.0.0.1", new Map());
  const broken = udpServer((query) => {
    query[2] = 0x80;
    return query.subarray(0, -1);
  });
  const report = await probe(io({ [GOOD]: server.port }, { [GOOD]: broken.port }));
  assertEquals(describeProbe(report)[1], `DNS through ztun0: ${GOOD}: an answer that is none`);
  await Promise.all([server, broken].map((each) => each.close()));
});

Deno.test("without a server nothing is proved", async () => {
  const report = await probe(io({}), { servers: [] });
  assertEquals(describeProbe(report)[0], "TCP through ztun0: there is no DNS server to ask");
});

Deno.test("it can be called off", async () => {
  const calledOff = new AbortController();
  const udp = udpServer(() => void calledOff.abort());
  const tcp = silentTcp();
  await assertRejects(
    () => probe(io({ [GOOD]: tcp.port }, { [GOOD]: udp.port }), { signal: calledOff.signal }),
    DOMException,
  );
  await Promise.all([udp, tcp].map((each) => each.close()));
});
