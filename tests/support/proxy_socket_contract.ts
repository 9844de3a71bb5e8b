/**
 * What every connection to the proxy promises (`src/engine/driver.ts`), as tests: the same for each driver, whose
 * socket is run by a real engine against a real connection.
 */

import { assert, assertEquals } from "@std/assert";
import { LARGE_SLOT, SMALL_SLOT } from "../../src/arena.ts";
import type { ConnectListener, ProxySocket } from "../../src/engine/driver.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { fillPattern, findDifference } from "../netsim/pattern.ts";
import { eventually } from "./eventually.ts";
import type { FakeClient } from "./fake_socks5.ts";
import { type DriverName, withTunnel } from "./fake_tunnel.ts";
import { uringTest } from "./needs_uring.ts";

const PATTERN = 9;
const BULK = 65_536;
const PATIENCE = 60_000;

/** What the socket said. */
class Heard implements ConnectListener {
  socket: ProxySocket | undefined;
  why = "";
  noWay = false;
  bytes = 0;
  wrongAt = -1;
  /** What time it was for the stack when something came last. */
  cameAt = 0;
  largest = 0;
  ends = 0;
  breaks = 0;
  /** What `sent` told, and how often it was called. */
  sentBytes = 0;
  sentCalls = 0;
  /** Slots that were kept rather than released. */
  readonly kept: number[] = [];
  keeping = false;
  /** Called when bytes have come. */
  next: () => void = () => {};
  /** Called when something was sent. */
  again: () => void = () => {};
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  arrived(at: number, end: number): void {
    const { arena } = this.#engine;
    this.cameAt = this.#engine.stack.now;
    const wrong = findDifference(arena.bytes, at, end, PATTERN, this.bytes);
    if (wrong >= 0 && this.wrongAt < 0) this.wrongAt = wrong;
    this.bytes += end - at;
    this.largest = Math.max(this.largest, end - at);
    assert(end - at <= arena.slotSize(at));
    assertEquals(arena.references(at), 1);
    if (this.keeping) this.kept.push(at);
    else arena.release(at);
    this.next();
  }

  ended(): void {
    this.ends++;
  }

  sent(length: number): void {
    this.sentBytes += length;
    this.sentCalls++;
    this.again();
  }

  connected(socket: ProxySocket): void {
    this.socket = socket;
  }

  broken(why: string, noWay = false): void {
    this.breaks++;
    this.why = why;
    this.noWay = noWay;
  }

  get silence(): boolean {
    return this.bytes + this.ends + this.breaks + this.sentCalls === 0;
  }
}

type ToBeCalled = Omit<ProxySocket, "listener" | "localAddr" | "remoteAddr">;

interface Rig {
  readonly engine: Engine;
  readonly socket: ToBeCalled;
  readonly heard: Heard;
  readonly client: FakeClient;
}

/** A socket that carries a flow, and its far end, which does what `play` says. */
async function withSocket(
  driver: DriverName,
  play: (client: FakeClient) => Promise<void>,
  body: (rig: Rig) => Promise<void>,
): Promise<void> {
  await withTunnel({ script: play, driver }, async ({ engine, proxy }) => {
    const heard = new Heard(engine);
    engine.driver.connect(["127.0.0.1"], proxy.port, heard);
    assert(heard.socket === undefined, "nothing is said from within the call");
    const socket = await eventually("the connection", () => heard.socket);
    assertEquals(socket.remoteAddr.port, proxy.port);
    assertEquals(socket.remoteAddr.hostname, "127.0.0.1");
    const client = await eventually("the far end", () => proxy.clients[0]);
    let open = true;
    const close = () => {
      if (open) socket.close();
      open = false;
    };
    try {
      await body({ engine, heard, client, socket: { ...bound(socket), close } });
    } finally {
      close();
    }
  });
}

function bound(socket: ProxySocket): Omit<ToBeCalled, "close"> {
  return {
    receive: (room, bulk) => socket.receive(room, bulk),
    send: (at, end) => socket.send(at, end),
    sendNow: (at, end) => socket.sendNow(at, end),
    closeWrite: () => socket.closeWrite(),
    reset: () => socket.reset(),
  };
}

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  fillPattern(bytes, 0, length, PATTERN, 0);
  return bytes;
}

/** Sends so many bytes of the pattern, in pieces of a large slot; how many calls had to wait. */
async function sendAll({ engine, socket, heard }: Rig, length: number): Promise<number> {
  const { arena } = engine;
  let waits = 0;
  for (let sent = 0; sent < length;) {
    const slot = arena.takeLarge();
    const size = Math.min(length - sent, BULK);
    fillPattern(arena.bytes, slot, slot + size, PATTERN, sent);
    for (let at = slot; at < slot + size;) {
      const told = heard.sentBytes;
      const more = new Promise<void>((resolve) => heard.again = resolve);
      const taken = socket.send(at, slot + size);
      at += taken;
      if (at === slot + size) break;
      waits++;
      await more;
      at += heard.sentBytes - told;
    }
    arena.release(slot);
    sent += size;
  }
  return waits;
}

async function ended({ heard }: Rig): Promise<void> {
  await eventually("the end is told", () => heard.ends > 0 || undefined, PATIENCE);
}

/** Asks again whenever something came. */
function receiveAll({ socket, heard }: Rig, room: number, bulk: boolean): void {
  heard.next = () => socket.receive(room, bulk);
  socket.receive(room, bulk);
}

/** Long enough for what is on its way to come. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((next) => setImmediate(next));
}

/** Registers a test of one driver's. */
type Test = (name: string, body: () => Promise<void>) => void;

export function proxySocketContract(driver: DriverName): void {
  const register = driver === "uring" ? uringTest : Deno.test;
  const test: Test = (name, body) => register(`${name} (${driver})`, body);
  connecting(driver, test);
  receiving(driver, test);
  sending(driver, test);
  ending(driver, test);
}

/** A far end that sends so much and finishes. */
function writing(length: number): (client: FakeClient) => Promise<void> {
  return async (client) => {
    await client.writeBytes(pattern(length));
    await client.connection.closeWrite();
    await client.drain();
  };
}

/** One that resets the connection when it is told to. */
function resetting(when: Promise<void>): (client: FakeClient) => Promise<void> {
  return async (client) => {
    await client.until(when);
    client.reset();
  };
}

/** The kernel refuses that address at once. */
const NO_WAY = "255.255.255.255";
/** Nobody listens there, or no name has a part that long. */
const NOWHERE = ["127.0.0.1", "x".repeat(64), NO_WAY];

function connecting(driver: DriverName, test: Test): void {
  const options = { script: silent, driver, listening: false } as const;

  for (const host of NOWHERE) {
    test(`no connection to ${host.slice(0, 20)}: said once, with the reason, and not at once`, () => {
      return withTunnel(options, async ({ engine, proxy }) => {
        const heard = new Heard(engine);
        engine.driver.connect([host], proxy.port, heard);
        assertEquals(heard.breaks, 0);
        await eventually("it is said", () => heard.breaks > 0 || undefined, PATIENCE);
        await turns();
        assertEquals([heard.breaks, heard.socket], [1, undefined]);
        assert(heard.why !== "");
        assertEquals(heard.noWay, host === NO_WAY, "the system knows no way there");
      });
    });

    test(`whoever does not want the connection to ${host.slice(0, 20)} any more hears nothing`, () => {
      return withTunnel(options, async ({ engine, proxy }) => {
        const heard = new Heard(engine);
        engine.driver.connect([host], proxy.port, heard).close();
        await turns();
        assert(heard.silence && heard.socket === undefined);
      });
    });
  }

  test("one address after the other is tried, until one answers", () => {
    return withTunnel({ script: silent, driver }, async ({ engine, proxy }) => {
      const heard = new Heard(engine);
      const hosts = [NO_WAY, "127.0.0.9", "127.0.0.1", "127.0.0.8"];
      engine.driver.connect(hosts, proxy.port, heard);
      const socket = await eventually("the connection", () => heard.socket, PATIENCE);
      assertEquals([socket.remoteAddr.hostname, heard.breaks], ["127.0.0.1", 0]);
      socket.close();
    });
  });

  test("when none answers it is said once; no address at all is no answer either", () => {
    return withTunnel(options, async ({ engine, proxy }) => {
      for (
        const [hosts, noWay] of [[["127.0.0.1", NO_WAY, "127.0.0.1"], true], [[], false]] as const
      ) {
        const heard = new Heard(engine);
        engine.driver.connect(hosts, proxy.port, heard);
        assertEquals(heard.breaks, 0);
        await eventually("it is said", () => heard.breaks > 0 || undefined, PATIENCE);
        await turns();
        assertEquals([heard.breaks, heard.noWay], [1, noWay]);
        assert(heard.why !== "");
      }
    });
  });

  test("a name leads to the proxy, by whichever of its addresses answers", () => {
    return withTunnel({ script: silent, driver }, async ({ engine, proxy }) => {
      const heard = new Heard(engine);
      engine.driver.connect(["localhost"], proxy.port, heard);
      const socket = await eventually("the connection", () => heard.socket, PATIENCE);
      assertEquals([socket.remoteAddr.port, heard.breaks], [proxy.port, 0]);
      socket.close();
    });
  });
}

async function silent(client: FakeClient): Promise<void> {
  await client.drain();
}

function receiving(driver: DriverName, test: Test): void {
  test("it brings no more than was asked for, and all of it in the end", () => {
    return withSocket(driver, writing(20_000), async (rig) => {
      const { heard, socket } = rig;
      socket.receive(100, false);
      await eventually("bytes", () => heard.bytes > 0 || undefined);
      await turns();
      assertEquals([heard.bytes, heard.ends], [100, 0]);
      receiveAll(rig, SMALL_SLOT, false);
      await ended(rig);
      assertEquals([heard.bytes, heard.wrongAt, heard.ends], [20_000, -1, 1]);
      assert(heard.largest <= SMALL_SLOT);
    });
  });

  test("when something comes the stack knows what time it is", async () => {
    const now = Promise.withResolvers<void>();
    const play = async (client: FakeClient) => {
      await client.until(now.promise);
      await client.writeBytes(pattern(10));
      await client.drain();
    };
    await withSocket(driver, play, async ({ engine, heard, socket }) => {
      socket.receive(100, false);
      await turns();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const before = engine.now();
      now.resolve();
      await eventually("bytes", () => heard.bytes > 0 || undefined);
      assert(heard.cameAt >= before, `${before - heard.cameAt} ms behind`);
    });
  });

  test("bytes in bulk, and the end once", () => {
    return withSocket(driver, writing(3_000_000), async (rig) => {
      const { heard } = rig;
      receiveAll(rig, BULK, true);
      await ended(rig);
      await turns();
      assertEquals([heard.bytes, heard.wrongAt, heard.ends], [3_000_000, -1, 1]);
      assert(heard.largest <= BULK);
    });
  });

  test("who asks for nothing hears nothing; later all that came meanwhile", () => {
    return withSocket(driver, writing(5_000), async (rig) => {
      const { heard } = rig;
      await turns();
      assert(heard.silence);
      receiveAll(rig, BULK, true);
      await ended(rig);
      assertEquals([heard.bytes, heard.wrongAt], [5_000, -1]);
    });
  });

  test("without memory it waits, and goes on when there is some", () => {
    return withSocket(driver, writing(4_000_000), async (rig) => {
      const { engine: { arena }, engine, heard } = rig;
      const taken: number[] = [];
      for (let at = arena.takeLarge(); at >= 0; at = arena.takeLarge()) taken.push(at);
      heard.keeping = true;
      receiveAll(rig, BULK, true);
      await turns();
      assert(heard.bytes < 4_000_000);
      heard.keeping = false;
      for (const at of [...taken, ...heard.kept]) arena.release(at);
      engine.settle();
      await ended(rig);
      assertEquals([heard.bytes, heard.wrongAt], [4_000_000, -1]);
    });
  });
}

function sending(driver: DriverName, test: Test): void {
  test("what is sent arrives, although the far end lets it wait", async () => {
    const LENGTH = 10_000_000;
    const reading = Promise.withResolvers<void>();
    let arrived = 0;
    let wrongAt = -1;
    const play = async (client: FakeClient) => {
      await client.until(reading.promise);
      for (let some = await client.readSome(); some !== undefined; some = await client.readSome()) {
        wrongAt = Math.max(wrongAt, findDifference(some, 0, some.length, PATTERN, arrived));
        arrived += some.length;
      }
    };
    await withSocket(driver, play, async (rig) => {
      const sending = sendAll(rig, LENGTH);
      await turns();
      reading.resolve();
      assert(await sending > 0, "it had to wait");
      rig.socket.closeWrite();
      await eventually("the far end sees the end", () => rig.client.how, PATIENCE);
      assertEquals([arrived, wrongAt, rig.client.how], [LENGTH, -1, "end"]);
    });
  });

  test("after the end of its writing it reads on", async () => {
    const play = async (client: FakeClient) => {
      await client.drain();
      await writing(4_000)(client);
    };
    await withSocket(driver, play, async (rig) => {
      receiveAll(rig, BULK, true);
      await sendAll(rig, 100);
      rig.socket.closeWrite();
      await ended(rig);
      assertEquals([rig.heard.bytes, rig.heard.wrongAt], [4_000, -1]);
    });
  });

  test("sendNow keeps nothing, and says what is gone", async () => {
    await withSocket(driver, async (client) => void await client.drain(), async (rig) => {
      const { engine, socket, heard } = rig;
      const slot = engine.arena.takeLarge();
      const taken = socket.sendNow(slot, slot + 100);
      assertEquals(taken, driver === "deno" ? 0 : 100);
      assertEquals(engine.arena.references(slot), 1);
      await turns();
      assertEquals(heard.sentCalls, 0);
      engine.arena.release(slot);
    });
  });
}

function ending(driver: DriverName, test: Test): void {
  test("a reset is seen as one, where the system lets us", async () => {
    await withSocket(driver, async (client) => void await client.drain(), async (rig) => {
      rig.socket.receive(BULK, true);
      rig.socket.reset();
      rig.socket.close();
      const how = await eventually("the far end sees it", () => rig.client.how, PATIENCE);
      assertEquals(how, driver === "deno" ? "end" : "reset");
      await turns();
      assert(rig.heard.silence, "nothing is said after close");
    });
  });

  test("a reset by the far end breaks it, once, while it receives", async () => {
    const now = Promise.withResolvers<void>();
    await withSocket(driver, resetting(now.promise), async ({ socket, heard }) => {
      socket.receive(BULK, true);
      now.resolve();
      await eventually("it is broken", () => heard.breaks > 0 || undefined, PATIENCE);
      await turns();
      assertEquals([heard.breaks, heard.ends, heard.bytes], [1, 0, 0]);
    });
  });

  test("a reset by the far end breaks it while it waits to send", async () => {
    const now = Promise.withResolvers<void>();
    await withSocket(driver, resetting(now.promise), async ({ engine, socket, heard }) => {
      const slot = engine.arena.takeLarge();
      // The descriptor's buffers are full when it takes less than all; Deno's writes wait for that.
      const whole = LARGE_SLOT - 1;
      for (let free = true; free;) {
        const calls = heard.sentCalls;
        if (socket.send(slot, slot + whole) === whole) continue;
        await turns();
        free = heard.sentCalls > calls;
      }
      // Perhaps it is told first that it may try again.
      heard.again = () => void socket.send(slot, slot + whole);
      now.resolve();
      await eventually("it is broken", () => heard.breaks > 0 || undefined, PATIENCE);
      engine.arena.release(slot);
    });
  });

  test("closed while it receives and sends it says nothing more, and gives everything back", async () => {
    await withSocket(driver, (client) => client.until(new Promise(() => {})), async (rig) => {
      const { engine, socket, heard } = rig;
      socket.receive(BULK, true);
      const slot = engine.arena.takeLarge();
      for (let more = true; more;) more = socket.send(slot, slot + BULK) === BULK;
      engine.arena.release(slot);
      socket.close();
      await turns();
      assertEquals([heard.bytes, heard.ends, heard.breaks], [0, 0, 0]);
    });
  });
}
