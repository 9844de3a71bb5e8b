import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Address, formatAddress, parseAddress } from "../../../src/addr/address.ts";
import { type AskServer, type DnsServer, udpAsker } from "../../../src/capture/dns_exchange.ts";
import { ProxyAddresses, type ProxyAddressIo } from "../../../src/capture/proxy_address.ts";
import { startDnsServer } from "../../../src/demo/dns_server.ts";
import { answerQuery } from "../../../src/demo/dns_zone.ts";
import { UserError } from "../../../src/errors.ts";
import { questionEnd, readQuestionType, writeFlags } from "../../../src/wire/dns.ts";
import { rootTest } from "../../support/root.ts";

const PROXY = "proxy.test";
const SERVER = "192.0.2.53";
const MARK = 0x7a74;
/** That of the demo's zone. */
const TTL_MS = 60_000;

/** A host whose names and addresses are made up. */
class FakeHost {
  /** What DNS says; of a type that is not there, "server failure". */
  zone: Record<"A" | "AAAA", string[] | undefined> = { A: ["198.51.100.1"], AAAA: [] };
  hosts = "";
  own: string[] = [];
  readonly asked: string[] = [];
  readonly marks: number[] = [];
  /** Nothing is answered before. */
  held: Promise<void> = Promise.resolve();

  readonly io: ProxyAddressIo = {
    resolve: () => Promise.resolve(known([...this.zone.A ?? [], ...this.zone.AAAA ?? []])),
    hostsText: () => Promise.resolve(this.hosts),
    asker: (mark) => {
      this.marks.push(mark);
      return (server, query, signal) => this.#answer(server, query, signal);
    },
    port: 53,
    isOwn: (address) => this.own.includes(formatAddress(address)),
  };

  async resolve(): Promise<ProxyAddresses> {
    const addresses = await ProxyAddresses.resolve(PROXY, 0, this.io);
    addresses.askBy({ servers: [SERVER], mark: MARK, outside: true });
    return addresses;
  }

  async #answer({ address }: DnsServer, query: Uint8Array, signal: AbortSignal) {
    const type = readQuestionType(query, questionEnd(query, 0, query.length)) === 1 ? "A" : "AAAA";
    this.asked.push(`${formatAddress(address)} ${type}`);
    await Promise.race([this.held, aborted(signal)]);
    const addresses = this.zone[type];
    const answer = answerQuery(query, new Map([[PROXY, known(addresses ?? [])]]), "udp")!;
    if (addresses === undefined) writeFlags(answer, 0, 0x8182);
    return answer;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error))
  );
}

function known(texts: readonly string[]): Address[] {
  return texts.map((text) => parseAddress(text)!);
}

function shown({ places }: ProxyAddresses): string {
  return places.map(({ address, kind }) => `${formatAddress(address)} ${kind}`).join(", ");
}

Deno.test("an address stays as it is, and nobody is asked", async () => {
  const host = new FakeHost();
  const addresses = await ProxyAddresses.resolve("2001:db8::1", 0, host.io);
  addresses.askBy({ servers: [SERVER], mark: MARK, outside: true });
  addresses.failed();
  assertEquals(addresses.nextLook, Infinity);
  assertEquals(await addresses.again(1e9), false);
  assertEquals(shown(addresses), "2001:db8::1 remote");
  host.own = ["2001:db8::1"];
  addresses.networkChanged();
  assertEquals(await addresses.again(1e9), true);
  assertEquals(shown(addresses), "2001:db8::1 local");
  assertEquals(host.asked, []);
});

Deno.test("a name has what the system says, in both families", async () => {
  const host = new FakeHost();
  host.zone = { A: ["127.0.0.1"], AAAA: ["2001:db8::1"] };
  host.own = ["127.0.0.1"];
  assertEquals(shown(await host.resolve()), "127.0.0.1 local, 2001:db8::1 remote");
});

Deno.test("a name without an address is an error with a way to look", async () => {
  const host = new FakeHost();
  host.zone = { A: [], AAAA: [] };
  const none = await assertRejects(() => host.resolve(), UserError, PROXY);
  assert(none.hint?.startsWith("`getent ahosts proxy.test`"));
  const cause = new Error("not known");
  const io = { ...host.io, resolve: () => Promise.reject(cause) };
  const failed = await assertRejects(() => ProxyAddresses.resolve(PROXY, 0, io), UserError);
  assertEquals(failed.cause, cause);
});

Deno.test("it is asked for again when the TTL is over, and followed", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  assertEquals(await addresses.again(4_999), false);
  assertEquals(host.asked, []);
  assertEquals(await addresses.again(5_000), false);
  assertEquals(host.asked, [`${SERVER} A`, `${SERVER} AAAA`]);
  assertEquals(addresses.nextLook, 5_000 + TTL_MS);
  host.zone = { A: ["198.51.100.2", "198.51.100.1"], AAAA: ["2001:db8::1"] };
  assertEquals(await addresses.again(5_000 + TTL_MS), true);
  const all = "198.51.100.1 remote, 198.51.100.2 remote, 2001:db8::1 remote";
  assertEquals(shown(addresses), all);
  // Another order is no news.
  host.zone.A = ["198.51.100.1", "198.51.100.2"];
  assertEquals(await addresses.again(5_000 + 2 * TTL_MS), false);
  assertEquals(shown(addresses), all);
  assertEquals(host.marks, [MARK, MARK, MARK]);
});

Deno.test("a failure or another network brings the next look forward, not too far", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  await addresses.again(5_000);
  addresses.failed();
  assertEquals(addresses.nextLook, 10_000);
  await addresses.again(20_000);
  addresses.networkChanged();
  assertEquals(addresses.nextLook, 25_000);
});

Deno.test("no answer and an empty one leave what was there", async () => {
  const host = new FakeHost();
  host.zone = { A: ["198.51.100.1"], AAAA: ["2001:db8::1"] };
  const addresses = await host.resolve();
  const before = shown(addresses);
  let now = 0;
  for (const said of [undefined, []]) {
    host.zone = { A: said, AAAA: said };
    now = addresses.nextLook;
    assertEquals(await addresses.again(now), false);
    assertEquals(shown(addresses), before);
    assertEquals(addresses.nextLook, now + 30_000);
  }
  // Of one family nothing is known, of the other there is something new.
  host.zone = { A: ["198.51.100.9"], AAAA: undefined };
  assertEquals(await addresses.again(now + 30_000), true);
  assertEquals(shown(addresses), "2001:db8::1 remote, 198.51.100.9 remote");
  // Now it is known that there is none.
  host.zone.AAAA = [];
  assertEquals(await addresses.again(addresses.nextLook), true);
  assertEquals(shown(addresses), "198.51.100.9 remote");
});

Deno.test("the next server is asked for what the first could not say", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  const second = "2001:db8::53";
  addresses.askBy({ servers: [SERVER, "not an address", second], mark: MARK, outside: true });
  host.zone.AAAA = undefined;
  assertEquals(await addresses.again(5_000), false);
  assertEquals(host.asked, [`${SERVER} A`, `${SERVER} AAAA`, `${second} AAAA`]);
});

Deno.test("the hosts file comes first", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  host.hosts = "192.0.2.7 Proxy.Test proxy\n192.0.2.7 proxy.test\n";
  assertEquals(await addresses.again(5_000), true);
  assertEquals(shown(addresses), "192.0.2.7 remote");
  assertEquals(host.asked, []);
  host.hosts = "";
  assertEquals(await addresses.again(addresses.nextLook), true);
  assertEquals(shown(addresses), "198.51.100.1 remote");
});

Deno.test("localhost is never asked for", async () => {
  const host = new FakeHost();
  const addresses = await ProxyAddresses.resolve("LocalHost.", 0, host.io);
  addresses.askBy({ servers: [SERVER], mark: MARK, outside: true });
  assertEquals(await addresses.again(5_000), false);
  assertEquals(host.asked, []);
});

Deno.test("where nothing may leave outside, questions have no mark", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  addresses.askBy({ servers: [SERVER], mark: MARK, outside: false });
  await addresses.again(5_000);
  assertEquals(host.marks, [0]);
});

Deno.test("one look at a time; a failure during it is not forgotten", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  const gate = Promise.withResolvers<void>();
  host.held = gate.promise;
  host.zone.A = ["198.51.100.2"];
  const first = addresses.again(5_000);
  assertEquals(await addresses.again(1e9), false);
  addresses.failed();
  gate.resolve();
  assertEquals(await first, true);
  assertEquals(host.asked.length, 2);
  assertEquals(addresses.nextLook, 10_000);
});

Deno.test("closing lets go of a look, which then changes nothing", async () => {
  const host = new FakeHost();
  const addresses = await host.resolve();
  host.held = Promise.withResolvers<void>().promise;
  host.zone.A = ["198.51.100.2"];
  const look = addresses.again(5_000);
  await addresses.close();
  assertEquals(await look, false);
  assertEquals(shown(addresses), "198.51.100.1 remote");
});

Deno.test("nor does what the hosts file says after that", async () => {
  const host = new FakeHost();
  const gate = Promise.withResolvers<string>();
  const io = { ...host.io, hostsText: () => gate.promise };
  const addresses = await ProxyAddresses.resolve(PROXY, 0, io);
  const look = addresses.again(5_000);
  const closed = addresses.close();
  gate.resolve(`192.0.2.7 ${PROXY}\n`);
  await closed;
  assertEquals(await look, false);
  assertEquals(shown(addresses), "198.51.100.1 remote");
});

function loopbackIo(port: number, asker: (mark: number) => AskServer): ProxyAddressIo {
  return { ...new FakeHost().io, asker, port };
}

async function asksLoopback(mark: number): Promise<void> {
  const zone = new Map([[PROXY, known(["192.0.2.8", "2001:db8::8"])]]);
  const server = startDnsServer("127.0.0.1", zone);
  const addresses = await ProxyAddresses.resolve(PROXY, 0, loopbackIo(server.port, udpAsker));
  addresses.askBy({ servers: ["127.0.0.1"], mark, outside: true });
  assertEquals(await addresses.again(5_000), true);
  assertEquals(shown(addresses), "192.0.2.8 remote, 2001:db8::8 remote");
  await addresses.close();
  await server.close();
}

Deno.test("a server on loopback is asked, over UDP", () => asksLoopback(0));

rootTest("and by sockets that have a mark", () => asksLoopback(MARK));
