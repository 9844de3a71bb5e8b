/**
 * One script of packets through every driver: what comes out must not tell which one it was. The host sends
 * packets made by hand, the proxy and what is behind it play fixed parts.
 */

import { assertEquals } from "@std/assert";
import { EventFd } from "../../../ffi/event_fd_linux.ts";
import { defaultSettings } from "../../../src/config/settings.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { fillPattern } from "../../netsim/pattern.ts";
import { type DriverName, makeDriver, quiet } from "../../support/fake_tunnel.ts";
import { FakeSocks5 } from "../../support/fake_socks5.ts";
import { fakeTun } from "../../support/fake_tun.ts";
import { relaying, type UdpScript } from "../../support/fake_udp_relay.ts";
import { uringTest } from "../../support/needs_uring.ts";
import { type RawFlow, RawHost } from "../../support/raw_host.ts";
import { answerTo, queryOf } from "../dns/fixtures.ts";
import { be16, ipPacket, join, summedPacket, udpPacket } from "../stack/packets.ts";

const LOCAL4 = new Uint8Array([198, 18, 0, 1]);
const LOCAL6 = new Uint8Array([0xfd, 0x7a, 0x74, 0x75, 0x6e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
const FAR4 = new Uint8Array([203, 0, 113, 7]);
const FAR6 = new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
const SERVER = new Uint8Array([192, 0, 2, 53]);
const LOOPBACK = new Uint8Array([127, 0, 0, 5]);
const MULTICAST = new Uint8Array([224, 0, 0, 251]);

const ECHO = 80;
const REFUSED = 81;
const UNREACHABLE = 82;
const DOWNLOAD = 83;
const RESET = 84;
const HEARS_RESET = 85;
const DOWNLOADED = 300_000;

/** How many packets it took, how often one was sent again, and what lingers, is a matter of time. */
const BY_TIME = [
  ...["packetsReceived", "packetsSent", "bytesReceived", "bytesSent"],
  ...["tcpRetransmissions", "tcpFastRecoveries", "tcpTimeouts", "tcpClosed"],
];

interface Outcome {
  flows: { events: string[]; bytes: string }[];
  others: string[];
  counters: Record<string, number>;
  /** How the proxy saw the end of the flow that the host resets. */
  reset: string;
}

/** A few words for many bytes, so that a failure can be read. */
function digest(bytes: Uint8Array): string {
  const hash = bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x0100_0193), 0x811c_9dc5);
  return `${bytes.length} bytes, ${(hash >>> 0).toString(16)}`;
}

function pattern(flow: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  fillPattern(bytes, 0, length, flow, 0);
  return bytes;
}

/** The far side; `ended` is told how the client ended the flow that it resets. */
function farSide(ended: (how: string) => void): UdpScript {
  const udp = relaying();
  udp.connect = async (client, { port }) => {
    if (port === REFUSED) return await client.reply(5);
    if (port === UNREACHABLE) return await client.reply(4);
    await client.reply(0);
    if (port === ECHO) return await client.echo();
    if (port === RESET) {
      await client.read(1_000);
      return client.reset();
    }
    if (port === HEARS_RESET) return ended((await client.drain()).how);
    await client.writeBytes(pattern(DOWNLOAD, DOWNLOADED));
    await client.connection.closeWrite();
    await client.drain();
  };
  return udp;
}

/** Its DNS server answers, everything else comes back as it went. */
function answering(udp: UdpScript): void {
  for (const relay of udp.relays) {
    relay.onDatagram = ({ bytes, payload, port }) => {
      const answer = bytes.slice();
      if (port === 53) answer.set(answerTo(payload), bytes.length - payload.length);
      return relay.send(answer);
    };
  }
}

async function play(driver: DriverName): Promise<Outcome> {
  const ended = Promise.withResolvers<string>();
  const udp = farSide(ended.resolve);
  const proxy = new FakeSocks5(async (client, own) => {
    await udp.script(client, own);
  });
  udp.answer = async (client, relay) => {
    answering(udp);
    await client.reply(0, [127, 0, 0, 1, ...be16(relay.port)]);
  };
  proxy.start();
  const { device, far } = fakeTun(true);
  const settings = defaultSettings();
  settings.proxy = { host: "127.0.0.1", port: proxy.port, user: undefined, password: undefined };
  settings.dns.servers = [];
  settings.limits.totalBytes = 64 << 20;
  const wake = new EventFd();
  const engine = new Engine(device, settings, (parts) => makeDriver(driver, parts, wake));
  try {
    await engine.start();
    const host = new RawHost(far);
    const flows = await tcpScript(host);
    const reset = await ended.promise;
    await datagramScript(host);
    await host.until("the flows are over", () => engine.tcpRelays === 0 || undefined);
    await quiet(engine);
    const { ...counters } = engine.counters;
    for (const name of BY_TIME) Reflect.deleteProperty(counters, name);
    return {
      flows: flows.map(({ events, bytes }) => ({ events, bytes: digest(bytes) })),
      others: host.others.map(({ from, protocol, payload }) =>
        `${from}, protocol ${protocol}: ${digest(payload)}`
      ),
      counters: counters as unknown as Record<string, number>,
      reset,
    };
  } finally {
    await engine.close();
    await proxy.stop();
    far.close();
    device.close();
    wake.close();
  }
}

async function tcpScript(host: RawHost): Promise<RawFlow[]> {
  let port = 40_000;
  const flow = (to: number, six = false) =>
    host.flow(six ? LOCAL6 : LOCAL4, ++port, six ? FAR6 : FAR4, to);
  const echoes = [flow(ECHO), flow(ECHO, true)];
  for (const each of echoes) await echoed(each);
  const refused = flow(REFUSED);
  refused.syn();
  await refused.happens("RST");
  const unreachable = flow(UNREACHABLE);
  unreachable.syn();
  await host.until("an ICMP error", () => host.others.length > 0 || undefined);
  const download = flow(DOWNLOAD, true);
  await download.open();
  await download.happens("FIN");
  download.finish(0);
  await download.taken(2);
  const reset = flow(RESET);
  await reset.open();
  reset.data(0, pattern(1, 1_000));
  await reset.happens("RST");
  const resetting = flow(HEARS_RESET);
  await resetting.open();
  resetting.data(0, pattern(2, 500));
  await resetting.taken(501);
  resetting.reset(500);
  return [...echoes, refused, unreachable, download, reset, resetting];
}

/** In pieces, out of order, twice, and in one packet of many segments; then the end. */
async function echoed(flow: RawFlow): Promise<void> {
  const all = pattern(ECHO, 30_000);
  const piece = (from: number, to: number) => flow.data(from, all.subarray(from, to));
  await flow.open();
  // The SYN once more: answered, and nothing else.
  flow.syn();
  piece(0, 10);
  piece(10, 1_000);
  await flow.arrived(1_000);
  piece(2_000, 3_000);
  piece(3_000, 4_400);
  piece(0, 1_000);
  piece(1_000, 2_000);
  await flow.arrived(4_400);
  piece(4_000, 5_400);
  flow.super(5_400, all.subarray(5_400, 30_000));
  await flow.arrived(30_000);
  flow.finish(30_000);
  await flow.happens("FIN");
  await flow.taken(30_002);
}

async function datagramScript(host: RawHost): Promise<void> {
  let seen = host.others.length;
  const come = async (count: number) => {
    seen += count;
    await host.until(`${seen} packets`, () => host.others.length >= seen || undefined);
  };
  host.send(udpPacket(LOCAL4, FAR4, 5_001, 7, pattern(1, 100)));
  await come(1);
  host.send(udpPacket(LOCAL6, FAR6, 5_002, 7, pattern(2, 1_400)));
  await come(1);
  // An empty one, and one that stands for four.
  host.send(udpPacket(LOCAL4, FAR4, 5_003, 7, new Uint8Array(0)));
  await come(1);
  host.sendSegments(udpPacket(LOCAL4, FAR4, 5_004, 7, pattern(3, 1_750)), 500);
  await come(4);
  for (const packet of fragments(pattern(4, 2_000)).reverse()) host.send(packet);
  await come(2);
  host.send(udpPacket(LOCAL4, SERVER, 5_006, 53, queryOf(7, "name")));
  await come(1);
  for (const [from, to] of [[LOCAL4, FAR4], [LOCAL6, FAR6]] as const) {
    host.send(echoRequest(from, to));
    await come(1);
  }
  host.send(udpPacket(LOCAL4, LOOPBACK, 5_007, 9, pattern(5, 10)));
  await come(1);
  rubbish(host);
  // What nobody answers: something that is has to come behind it.
  host.send(echoRequest(LOCAL4, FAR4));
  await come(1);
}

/** A datagram in two pieces. */
function fragments(payload: Uint8Array): Uint8Array[] {
  const whole = udpPacket(LOCAL4, FAR4, 5_005, 7, payload).subarray(20);
  const fields = { source: LOCAL4, destination: FAR4, protocol: 17 };
  return [[0, 1_200], [1_200, whole.length]].map(([from, to]) =>
    ipPacket({
      ...fields,
      payload: whole.subarray(from, to),
      fragment: { offset: from!, more: to! < whole.length, id: 77 },
    })
  );
}

function echoRequest(source: Uint8Array, destination: Uint8Array): Uint8Array {
  const ipv4 = source.length === 4;
  const message = join([ipv4 ? 8 : 128, 0, 0, 0], be16(1), be16(2), pattern(6, 56));
  return summedPacket({ source, destination, protocol: ipv4 ? 1 : 58 }, message, 2);
}

function rubbish(host: RawHost): void {
  const sound = udpPacket(LOCAL4, FAR4, 5_008, 7, pattern(7, 40));
  host.send(udpPacket(LOCAL4, MULTICAST, 5_353, 5_353, pattern(8, 40)));
  host.send(sound.subarray(0, 30));
  host.send(sound.with(30, sound[30]! ^ 1));
  host.send(sound.with(12, sound[12]! ^ 1));
  host.write(new Uint8Array(4));
  host.send(ipPacket({ source: LOCAL4, destination: FAR4, protocol: 132, payload: sound }));
}

Deno.test("the script brings out what it should", async () => {
  const { flows, counters, reset } = await play("async");
  const echo = { events: ["SYN ACK", "data", "FIN"], bytes: digest(pattern(ECHO, 30_000)) };
  const nothing = digest(new Uint8Array(0));
  assertEquals(flows, [
    echo,
    echo,
    { events: ["RST"], bytes: nothing },
    { events: [], bytes: nothing },
    { events: ["SYN ACK", "data", "FIN"], bytes: digest(pattern(DOWNLOAD, DOWNLOADED)) },
    { events: ["SYN ACK", "RST"], bytes: nothing },
    { events: ["SYN ACK"], bytes: nothing },
  ]);
  assertEquals(reset, "reset");
  assertEquals([counters.proxyReset, counters.proxyRefused], [1, 2]);
});

Deno.test("without descriptors the same comes out, but for a reset that ends as an end", async () => {
  const [direct, deno] = [await play("async"), await play("deno")];
  assertEquals(deno.reset, "end");
  assertEquals({ ...deno, reset: direct.reset }, direct);
});

uringTest("on io_uring the same comes out", async () => {
  assertEquals(await play("uring"), await play("async"));
});
