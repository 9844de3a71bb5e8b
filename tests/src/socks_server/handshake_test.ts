import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseAddress } from "../../../src/addr/address.ts";
import { CredentialCheck } from "../../../src/socks_server/credentials.ts";
import { PairedDestinations } from "../../../src/socks_server/destination_map.ts";
import { readRequest, reply } from "../../../src/socks_server/handshake.ts";
import { MessageReader } from "../../../src/socks_server/message_reader.ts";

const text = (value: string) => [...new TextEncoder().encode(value)];
const named = (name: string) => [5, 1, 0, 3, text(name).length, ...text(name), 0, 80];
const signIn = (user: string, password: string) => {
  return [1, text(user).length, ...text(user), text(password).length, ...text(password)];
};
const GREETING = [5, 1, 0];
const GREETING_WITH_PASSWORD = [5, 2, 0, 2];
const alice = new CredentialCheck({ user: "alice", password: "hunter2" });
const destinations = new PairedDestinations([[
  { address: parseAddress("192.0.2.1")!, port: 80 },
  { address: parseAddress("127.0.0.1")!, port: 8080 },
]]);

interface Run {
  /** What the client sends, in these pieces; then it closes. */
  pieces: readonly (readonly number[])[];
  credentials?: CredentialCheck;
  destinations?: PairedDestinations;
}

async function handshake({ pieces, ...options }: Run) {
  const left = pieces.filter((piece) => piece.length > 0);
  const told: number[] = [];
  const reader = new MessageReader({
    read(into) {
      const [piece] = left;
      if (piece === undefined) return Promise.resolve(null);
      const taken = piece.slice(0, into.length);
      into.set(taken);
      if (taken.length === piece.length) left.shift();
      else left[0] = piece.slice(taken.length);
      return Promise.resolve(taken.length);
    },
  });
  const outcome = await readRequest({
    reader,
    tell: (bytes) => Promise.resolve(void told.push(...bytes)),
    credentials: options.credentials,
    destinations: options.destinations,
  });
  return { outcome, told, rest: [...reader.rest()] };
}

/** The refusal of `pieces`: its reason and what is answered, with what was told before. */
async function refusal(...pieces: number[][]) {
  const { outcome, told } = await handshake({ pieces });
  return outcome.kind === "refusal" ? [outcome.reason, told, [...outcome.answer]] : outcome;
}

Deno.test("requests are read, by address and by name", async () => {
  const cases = [
    [[1, 192, 0, 2, 1], { hostname: "192.0.2.1", named: false }],
    [[4, ...new Array(15).fill(0), 1], { hostname: "::1", named: false }],
    [[3, 7, ...text("host.ex")], { hostname: "host.ex", named: true }],
    [[3, 3, ...text("::1")], { hostname: "::1", named: true }],
    [[3, 9, ...text("192.0.2.1")], { hostname: "192.0.2.1", named: true }],
  ] as const;
  for (const [address, expected] of cases) {
    const { outcome, told } = await handshake({ pieces: [GREETING, [5, 3, 0, ...address, 1, 2]] });
    const destination = { ...expected, port: 258 };
    assertEquals(outcome, { kind: "request", command: 3, destination, port: 258 });
    assertEquals(told, [5, 0]);
  }
});

Deno.test("a name that cannot be one is a request without a destination", async () => {
  for (
    const name of ["", " ", "a b", "a\0b", "-", "x..y", "http://a", "x".repeat(64), "ü".repeat(9)]
  ) {
    const { outcome } = await handshake({ pieces: [GREETING, named(name)] });
    const without = { kind: "request", command: 1, destination: undefined, port: 80 };
    assertEquals([name, outcome], [name, without]);
  }
});

Deno.test("what is shown as another address leads to the real one", async () => {
  const pieces = [GREETING, [5, 1, 0, 1, 192, 0, 2, 1, 0, 80]];
  const { outcome } = await handshake({ pieces, destinations });
  const destination = { hostname: "127.0.0.1", port: 8080, named: false };
  assertEquals(outcome, { kind: "request", command: 1, destination, port: 80 });
});

Deno.test("with the right password the request is read", async () => {
  const pieces = [GREETING_WITH_PASSWORD, signIn("alice", "hunter2"), named("a.example")];
  const { outcome, told } = await handshake({ pieces, credentials: alice });
  assertEquals(outcome.kind, "request");
  assertEquals(told, [5, 2, 1, 0]);
});

Deno.test("without the right password nothing is read, and the client is told", async () => {
  const wrong = [signIn("alice", "hunter3"), signIn("bob", "hunter2"), signIn("", "")];
  for (const message of wrong) {
    const pieces = [GREETING_WITH_PASSWORD, message, named("a.example")];
    const { outcome, told } = await handshake({ pieces, credentials: alice });
    assertEquals(outcome, { kind: "refusal", reason: "auth", answer: Uint8Array.of(1, 1) });
    assertEquals(told, [5, 2]);
  }
  const { outcome, told } = await handshake({ pieces: [GREETING, named("a")], credentials: alice });
  assertEquals(outcome, { kind: "refusal", reason: "auth", answer: Uint8Array.of(5, 0xff) });
  assertEquals(told, []);
});

Deno.test("a client that offers only passwords to a server without is told so", async () => {
  assertEquals(await refusal([5, 1, 2]), ["auth", [], [5, 0xff]]);
});

Deno.test("what is not SOCKS5, or ends early, gets no answer", async () => {
  assertEquals(await refusal(), ["malformed", [], []]);
  assertEquals(await refusal([5]), ["malformed", [], []]);
  assertEquals(await refusal([5, 0]), ["malformed", [], []]);
  assertEquals(await refusal([4, 1, 0, 80]), ["malformed", [], []]);
  assertEquals(await refusal(text("GET / HTTP/1.1\r\n\r\n")), ["malformed", [], []]);
  assertEquals(await refusal(GREETING, [5, 1, 0, 1, 192]), ["malformed", [5, 0], []]);
  assertEquals(await refusal(GREETING, [4, 1, 0, 1, 192, 0, 2, 1, 0, 80]), [
    "malformed",
    [5, 0],
    [],
  ]);
});

Deno.test("an unknown type of address is answered as that", async () => {
  const answer = [5, 8, 0, 1, 0, 0, 0, 0, 0, 0];
  assertEquals(await refusal(GREETING, [5, 1, 0, 9, 1, 2]), ["malformed", [5, 0], answer]);
});

Deno.test("a reply has the unspecified address where there is none to tell", () => {
  assertEquals([...reply(5)], [5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
  const address = parseAddress("2001:db8::1")!;
  assertEquals([...reply(0, address, 0x1234)], [5, 0, 0, 4, ...address, 0x12, 0x34]);
});

Deno.test("property: pieces make no difference, and what follows the request is kept", async () => {
  const all = [...GREETING_WITH_PASSWORD, ...signIn("alice", "hunter2"), ...named("a.example")];
  const payload = text("early payload");
  const whole = await handshake({ pieces: [[...all, ...payload]], credentials: alice });
  const cuts = fc.uniqueArray(fc.nat(all.length + payload.length), { maxLength: 12 });
  await fc.assert(fc.asyncProperty(cuts, async (cuts) => {
    const ends = [...cuts.sort((a, b) => a - b), all.length + payload.length];
    const stream = [...all, ...payload];
    const pieces = ends.map((end, index) => stream.slice(ends[index - 1] ?? 0, end));
    const { outcome, told, rest } = await handshake({ pieces, credentials: alice });
    assertEquals([outcome, told], [whole.outcome, whole.told]);
    // What has not been read yet is still in the connection.
    assertEquals(payload.slice(0, rest.length), rest);
  }));
});

Deno.test("property: no bytes make it throw or read for ever", async () => {
  const bytes = fc.array(fc.nat(255), { maxLength: 600 });
  const begun = fc.tuple(fc.constantFrom(GREETING, [...GREETING, 5], [...GREETING, 5, 1, 0]), bytes)
    .map(([start, rest]) => [...start, ...rest]);
  await fc.assert(fc.asyncProperty(fc.oneof(bytes, begun), async (piece) => {
    const { outcome } = await handshake({ pieces: [piece] });
    assertEquals(["request", "refusal"].includes(outcome.kind), true);
  }));
});
