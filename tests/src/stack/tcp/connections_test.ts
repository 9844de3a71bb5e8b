/** New connections, their bounds, and segments that belong to none. */

import { assert, assertEquals } from "@std/assert";
import { only } from "../harness.ts";
import { be16, be32, FAR4, HOST4, readIp } from "../packets.ts";
import { brief, FAR_PORT, HOST_PORT, LocalHost } from "./local_host.ts";

const endpoints = {
  localAddress: FAR4,
  localPort: FAR_PORT,
  remoteAddress: HOST4,
  remotePort: HOST_PORT,
};

Deno.test("tcp: a SYN is not answered before its owner accepts", () => {
  const host = new LocalHost();
  assertEquals(host.send({ flags: "S", seq: 0 }), []);
  assertEquals(host.pass(20_000), []);
  assertEquals(host.send({ flags: "S", seq: 0 }), [], "a SYN that is sent again changes nothing");
  assertEquals(brief(host.own((c) => c.accept())), ["SA 0+0 ack 1"]);
  assertEquals(host.stack.connections.halfOpen, 1);
  host.send({ flags: "A" });
  assertEquals(host.stack.connections.halfOpen, 0);
  assertEquals(host.events, ["connected"]);
});

Deno.test("tcp: a refused SYN is reset, with its own number acknowledged (RFC 9293, 3.10.7.1)", () => {
  const host = new LocalHost();
  host.send({ flags: "S", seq: 0 });
  const packet = only(host.act(() => host.connection.refuse()));
  const view = new DataView(packet.payload.buffer, packet.payload.byteOffset);
  assertEquals([view.getUint32(4), view.getUint32(8)], [0, (host.iss + 1) >>> 0]);
  assertEquals(packet.payload[13], 0x14);
  assertEquals(host.events, ["closed"]);
  host.checkEmpty();
});

Deno.test("tcp: a SYN refused by ICMP quotes its ports and sequence number (RFC 792)", () => {
  const host = new LocalHost();
  host.send({ flags: "S", seq: 0 });
  const packet = only(host.act(() => host.connection.refuse("host-unreachable")));
  assertEquals([packet.protocol, packet.payload[0], packet.payload[1]], [1, 3, 1]);
  assertEquals([packet.source, packet.destination], [FAR4, HOST4]);
  const quoted = packet.payload.slice(8);
  assertEquals([...quoted.slice(12, 20)], [...HOST4, ...FAR4]);
  assertEquals([...quoted.slice(20, 28)], [
    ...be16(HOST_PORT),
    ...be16(FAR_PORT),
    ...be32(host.iss),
  ]);
  host.checkEmpty();
});

Deno.test("tcp: segments for no connection are reset, resets are not (RFC 9293, 3.10.7.1)", () => {
  const host = new LocalHost();
  assertEquals(brief(host.send({ flags: "A", ack: 77 })), ["R 77+0 ack 0"]);
  assertEquals(brief(host.send({ flags: "F", seq: 5, data: 10 })), ["RA 0+0 ack 16"]);
  assertEquals(host.send({ flags: "R" }), []);
  assertEquals(host.send({ flags: "RA" }), []);
  assertEquals(brief(host.send({ flags: "SF", seq: 0 })), ["RA 0+0 ack 2"]);
  host.checkEmpty();
});

Deno.test("tcp: at the bound on half-open connections a SYN is dropped", () => {
  const host = new LocalHost({ halfOpen: 2 });
  for (host.port = 1; host.port <= 3; host.port++) host.send({ flags: "S", seq: 0 });
  assertEquals([host.stack.connections.size, host.counters.tcpSynDropped], [2, 1]);
  assertEquals(host.take(), []);
});

Deno.test("tcp: at the bound on flows the one idle longest goes, unless all are in use", () => {
  const host = new LocalHost({ flows: 2 });
  host.port = 1;
  host.establish();
  host.port = 2;
  host.establish();
  host.port = 3;
  const [refused] = host.send({ flags: "S", seq: 0 });
  assertEquals([refused?.flags, refused?.ack], ["RA", 1], "both are in use");
  host.pass(11_000);
  host.port = 2;
  host.send({ flags: "A", data: 1 });
  host.port = 3;
  const [reset] = host.receive(host.segment({ flags: "S", seq: 0 }));
  assertEquals([...readIp(reset!).payload.slice(2, 4)], be16(1), "port 1 has been idle longest");
  assertEquals(host.counters.tcpEvicted, 1);
  assertEquals(host.events.at(-1), "failed: evicted");
  assertEquals(host.stack.connections.size, 2);
});

Deno.test("tcp: a SYN with another number replaces a connection that was not answered", () => {
  const host = new LocalHost();
  host.send({ flags: "S", seq: 0 });
  host.send({ flags: "S", seq: 1_000 });
  assertEquals(host.events, ["failed: reset"]);
  assertEquals(brief(host.own((c) => c.accept())), ["SA 0+0 ack 1001"]);
});

Deno.test("tcp: TIME-WAIT gives way to a later SYN (RFC 6191)", () => {
  for (const [ts, seq, reused] of [[50, 0, true], [9, 0, false], [10, 5, true]] as const) {
    const host = new LocalHost();
    const synAck = host.establish({ ts: [1, 0] });
    const echo = synAck.ts![0];
    host.own((c) => c.finish());
    host.send({ flags: "A", ack: 2, ts: [10, echo] }, { flags: "FA", ack: 2, ts: [10, echo] });
    assertEquals(host.connection.state, "TimeWait");
    const opened = host.opened.length;
    host.send({ flags: "S", seq, ts: [ts, 0] });
    assertEquals(host.opened.length > opened, reused, `timestamp ${ts}, number ${seq}`);
  }
});

Deno.test("tcp: initial sequence numbers differ by flow and follow the clock (RFC 6528)", () => {
  const issOf = (port: number, later: number) => {
    const host = new LocalHost();
    host.port = port;
    host.now += later;
    host.send({ flags: "S", seq: 0 });
    return host.connection.iss;
  };
  assertEquals((issOf(1, 8) - issOf(1, 0)) >>> 0, 8 * 250);
  assert(issOf(1, 0) !== issOf(2, 0));
});

Deno.test("tcp: an active open, refused, answered, and given up", () => {
  const host = new LocalHost();
  const open = () => {
    const connection = host.stack.connect(endpoints, host.now)!;
    connection.owner = host;
    host.opened.push(connection);
    return host.read(host.take());
  };
  assertEquals(brief(open()), ["S 0+0 ack 0"]);
  assertEquals(host.stack.connect(endpoints, host.now), undefined, "there is one already");
  assertEquals(host.send({ flags: "RA", seq: 0, ack: 9 }), [], "acknowledges nothing of ours");
  assertEquals(brief(host.send({ flags: "SA", seq: 0, ack: 9 })), ["R 9+0 ack 0"]);
  host.send({ flags: "RA", seq: 0, ack: 1 });
  assertEquals(host.events, ["failed: refused"]);
  open();
  assertEquals(brief(host.send({ flags: "SA", seq: 0, ack: 1 })), ["A 1+0 ack 1"]);
  assertEquals(host.events.at(-1), "connected");
  host.own((c) => c.abort());
  open();
  assertEquals(host.pass(62_000).map((segment) => segment.flags), ["S", "S", "S", "S", "S"]);
  assertEquals(host.pass(2_000), []);
  assertEquals(host.events.at(-1), "failed: timed-out");
  host.checkEmpty();
});

Deno.test("tcp: both ends open at once, and the handshake comes to an end (RFC 9293, 3.5)", () => {
  const host = new LocalHost();
  const connection = host.stack.connect(endpoints, host.now)!;
  connection.owner = host;
  host.opened.push(connection);
  host.read(host.take());
  assertEquals(brief(host.send({ flags: "S", seq: 0 })), ["SA 0+0 ack 1"]);
  assertEquals(brief(host.send({ flags: "SA", seq: 0, ack: 1, window: 3_000 })), ["A 1+0 ack 1"]);
  assertEquals([connection.state, connection.sndWnd], ["Established", 3_000]);
});
