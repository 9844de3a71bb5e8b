import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { formatAddress } from "../../../src/addr/address.ts";
import { Capture, type CaptureOptions } from "../../../src/capture/capture.ts";
import { type HostFacts, readHostFacts } from "../../../src/capture/host_facts.ts";
import { markTable, strictTable } from "../../../src/capture/tables.ts";
import { type CaptureSettings, defaultSettings } from "../../../src/config/settings.ts";
import { UserError } from "../../../src/errors.ts";
import type { Table } from "../../../src/host/firewall/rule.ts";
import { NOBODY, type Senders } from "../../../src/host/firewall/senders.ts";
import { nameservers } from "../../../src/host/resolver/conf_text.ts";
import { Transaction } from "../../../src/host/transaction.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { FakeKernel, link, route } from "../../support/fake_kernel.ts";
import { ResolverHost } from "../../support/resolver_host.ts";
import { address, prefix } from "../../support/route_rig.ts";

const PREFIXES = [prefix("198.18.0.1/30"), prefix("fd7a::1/126")];
const ADDRESSES = PREFIXES.map(({ address }) => address);
const PORT = 1080;

/** A capture of a host that is made up. */
class Rig implements Disposable {
  readonly kernel = new FakeKernel();
  readonly resolver = new ResolverHost("nameserver 192.168.1.1\n");
  readonly #host = new FakeHost();
  readonly tables = new Map<string, Table>();
  readonly transaction: Transaction;
  readonly before: unknown;

  constructor() {
    const { kernel } = this;
    kernel.routes.push(route("192.168.1.0/24", 2), route("0.0.0.0/0 via 192.168.1.1", 2));
    kernel.rules.push({ family: 4, priority: 32_766, table: 254 });
    this.before = kernel.snapshot();
    this.transaction = new Transaction({
      kinds: { ...this.resolver.kinds(), ...kernel.kinds(this.tables) },
      log: this.#host.log,
      openJournal: () => this.#host.openJournal(),
    });
  }

  get facts(): HostFacts {
    return this.kernel.withRoutes((socket) => readHostFacts(socket, ADDRESSES, true));
  }

  capture(settings: Partial<CaptureSettings> = {}, rest: Partial<CaptureOptions> = {}): Capture {
    return new Capture({
      settings: { ...defaultSettings().capture, ...settings },
      device: "ztun0",
      prefixes: PREFIXES,
      facts: this.facts,
      outside: NOBODY,
      proxySenders: NOBODY,
      inside: undefined,
      forwarded: { outside: [], inside: undefined },
      container: [],
      served: { tcp: [], udp: [], clients: { from: 32_768, to: 60_999 } },
      nameServers: [],
      proxyHere: false,
      proxies: proxies("198.51.100.1"),
      tables: this.tables,
      transaction: this.transaction,
      resolverHost: this.resolver,
      log: this.#host.log,
      ...rest,
    }, this.kernel.system);
  }

  /** Where rules lead that keep this apart, the one for each family. */
  get users(): string[] {
    return this.kernel.rules.filter(({ uids, family, table }) =>
      uids !== undefined && family === 4 && table !== undefined
    ).map(({ uids }) => `${uids!.first}-${uids!.last}`);
  }

  /** Addresses whose connections stay outside. */
  get proxies(): string[] {
    return this.kernel.rules.filter(({ destinationPorts, table }) =>
      destinationPorts?.first === PORT && table !== undefined
    ).map(({ to }) => formatAddress(to!.address));
  }

  /** Networks of containers. */
  get internal(): string[] {
    return this.kernel.rules.filter(({ to, ipProtocol, suppressPrefixLength }) =>
      to !== undefined && ipProtocol === undefined && suppressPrefixLength === undefined &&
      formatAddress(to.address) !== "fe80::"
    ).map(({ to }) => `${formatAddress(to!.address)}/${to!.length}`);
  }

  mark(): string {
    return this.kernel.tables.get(markTable("ztun0"))!;
  }

  async assertUndone(): Promise<void> {
    const { failed, altered } = await this.transaction.undo();
    assertEquals([failed, altered], [[], []]);
    assertEquals(this.kernel.snapshot(), this.before);
    assertEquals(this.#host.journalNames(), []);
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
    this.resolver[Symbol.dispose]();
  }
}

/** As a tunnel does it, which begins to serve in between. */
async function begin(capture: Capture): Promise<void> {
  await capture.keepOut();
  await capture.takeIn();
}

const proxies = (...texts: string[]) =>
  texts.map((text) => ({ address: address(text), port: PORT }));

const user = (uid: number): Senders => ({ users: [{ from: uid, to: uid }], cgroups: [] });
const cgroup = (id: number): Senders => ({
  users: [],
  cgroups: [{ id, level: 1, path: `group${id}` }],
});

Deno.test("capture: whoever stays outside comes first, and the way into the tunnel last", async () => {
  using rig = new Rig();
  const capture = rig.capture({ strict: true, interface: "eth0" });
  await begin(capture);
  const at = (part: string) => capture.commands.findIndex((command) => command.includes(part));
  const lastAt = (part: string) =>
    capture.commands.findLastIndex((command) => command.includes(part));
  const { table, outside } = capture.routing;
  assertEquals(outside, table + 1);
  assert(lastAt(`table ${outside}`) >= 0);
  assert(lastAt("198.51.100.1/32") < at("nft"), "the proxy before the firewall");
  assert(lastAt("dev ztun0") < at("nft"), "the routes before the firewall");
  assert(lastAt("nft") < at(`lookup ${table} `), "the firewall before the rules");
  assertStringIncludes(capture.commands.at(-1)!, `lookup ${table} `);
  await rig.assertUndone();
});

Deno.test("capture: the resolver is pointed into the tunnel last of all, and put back", async () => {
  using rig = new Rig();
  const capture = rig.capture({}, { nameServers: ["9.9.9.9"] });
  await begin(capture);
  assertEquals(nameservers(rig.resolver.conf), ["9.9.9.9"]);
  assertStringIncludes(capture.commands.at(-1)!, "resolv.conf");
  assertStringIncludes(rig.mark(), "9.9.9.9");
  await rig.assertUndone();
  assertEquals(rig.resolver.conf, "nameserver 192.168.1.1\n");
});

for (const what of ["route", "rule", "table"]) {
  Deno.test(`capture: a ${what} that cannot be made, and nothing of it is left`, async () => {
    using rig = new Rig();
    rig.kernel.broken = what;
    await assertRejects(() => begin(rig.capture({ strict: true })), UserError, "Cannot");
    await rig.assertUndone();
  });
}

Deno.test("capture: connections to all addresses that the proxy was at stay outside", async () => {
  using rig = new Rig();
  const capture = rig.capture({ strict: true });
  await begin(capture);
  await capture.setProxies(proxies("198.51.100.2", "2001:db8::2"));
  assertEquals(rig.proxies, ["198.51.100.1", "198.51.100.2", "2001:db8::2"]);
  const strict = rig.kernel.tables.get(strictTable("ztun0"))!;
  assertEquals([strict.includes("198.51.100.1"), strict.includes("198.51.100.2")], [true, true]);
  await rig.assertUndone();
});

Deno.test("capture: an address that the proxy keeps is not the one that makes place", async () => {
  using rig = new Rig();
  const capture = rig.capture();
  await begin(capture);
  for (let number = 2; number < 100; number++) {
    await capture.setProxies(proxies("198.51.100.1", `198.51.100.${number}`));
    assert(rig.proxies.includes("198.51.100.1"), `gone with ${number}`);
    assert(rig.proxies.includes(`198.51.100.${number}`));
  }
  await rig.assertUndone();
});

Deno.test("capture: of more addresses than there are places for the best have theirs", async () => {
  using rig = new Rig();
  const all = Array.from({ length: 40 }, (_, index) => `198.51.100.${index + 1}`);
  const capture = rig.capture({}, { proxies: proxies(...all) });
  await begin(capture);
  assertEquals(rig.proxies, all.slice(0, 20));
  const { length } = capture.commands;
  await capture.setProxies(proxies(...all));
  assertEquals(capture.commands.length, length);
});

Deno.test("capture: the proxy of this host is who it is now, and nobody that it was", async () => {
  using rig = new Rig();
  const outside = { users: [{ from: 7, to: 9 }], cgroups: cgroup(5).cgroups };
  const capture = rig.capture({}, { outside, proxySenders: user(100) });
  await begin(capture);
  assertEquals(rig.users, ["7-9", "100-100"]);
  for (let uid = 101; uid < 200; uid++) await capture.letOut(user(uid));
  assertEquals(rig.users, ["7-9", "199-199"]);
  assertEquals(capture.senders.outside.users, [{ from: 7, to: 9 }, { from: 199, to: 199 }]);
  await capture.letOut(cgroup(6));
  await capture.letOut(cgroup(7));
  assertEquals(rig.users, ["7-9"]);
  assertEquals(capture.senders.outside.cgroups.map(({ path }) => path), ["group5", "group7"]);
  const { length } = capture.commands;
  await capture.letOut(cgroup(7));
  assertEquals(capture.commands.length, length);
  await rig.assertUndone();
});

Deno.test("capture: a firewall table that could not be made anew is tried again", async () => {
  using rig = new Rig();
  const capture = rig.capture();
  await begin(capture);
  rig.kernel.broken = "table";
  await assertRejects(() => capture.letOut(cgroup(6)));
  assert(!rig.mark().includes("group6"));
  await capture.follow();
  assertStringIncludes(rig.mark(), "group6");
});

Deno.test("capture: more users than there are places for are an error that says what to do", async () => {
  using rig = new Rig();
  const users = Array.from({ length: 51 }, (_, index) => ({ from: index, to: index }));
  const capture = rig.capture({}, { outside: { users, cgroups: [] } });
  const error = await assertRejects(() => begin(capture), UserError, "so many users");
  assertEquals(error.hint, "Name a range: --except-user 1000-1999");
  await rig.assertUndone();
});

Deno.test("capture: networks of containers come and go while it runs", async () => {
  using rig = new Rig();
  const capture = rig.capture({ strict: true });
  await begin(capture);
  assertEquals(rig.internal, []);
  rig.kernel.links.push(link(9, "docker0", "bridge"));
  rig.kernel.addresses.push({ link: 9, prefix: prefix("172.17.0.1/16") });
  await capture.follow();
  assertEquals(rig.internal, ["172.17.0.0/16"]);
  assertStringIncludes(rig.kernel.tables.get(strictTable("ztun0"))!, "docker0");
  rig.kernel.addresses = [];
  await capture.follow();
  assertEquals(rig.internal, []);
  await rig.assertUndone();
});

Deno.test("capture: networks of containers beyond the places change nothing with every look", async () => {
  using rig = new Rig();
  for (let index = 0; index < 40; index++) {
    rig.kernel.links.push(link(10 + index, `br${index}`, "bridge"));
    rig.kernel.addresses.push({ link: 10 + index, prefix: prefix(`10.${index}.0.1/16`) });
  }
  const capture = rig.capture();
  await begin(capture);
  assertEquals(rig.internal.length, 20);
  const rules = [...rig.kernel.rules];
  await capture.follow();
  assertEquals(rig.kernel.rules, rules);
});

Deno.test("capture: the interface for what stays outside is followed", async () => {
  using rig = new Rig();
  const capture = rig.capture({ interface: "eth0" });
  await begin(capture);
  const outside = () =>
    rig.kernel.routes.filter(({ table }) => table === capture.routing.outside).length;
  assertEquals(outside(), 2);
  rig.kernel.flush(2);
  await capture.follow();
  assertEquals(outside(), 0);
  rig.kernel.links = rig.kernel.links.filter(({ name }) => name !== "eth0");
  await capture.follow();
  await capture.follow();
});

Deno.test("capture: a dry run says what would be done, and does nothing", async () => {
  using rig = new Rig();
  const transaction = new Transaction({
    kinds: { ...rig.resolver.kinds(), ...rig.kernel.kinds(rig.tables) },
    log: { debug() {}, warn() {} },
    openJournal: undefined,
  });
  const capture = rig.capture({ strict: true }, { transaction, nameServers: ["9.9.9.9"] });
  await begin(capture);
  assertEquals(rig.kernel.snapshot(), rig.before);
  assertEquals(rig.resolver.conf, "nameserver 192.168.1.1\n");
  assert(capture.commands.length > 10);
});

/** What may happen to a capture, in any order. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant("proxies" as const),
    hosts: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 35 }),
  }),
  fc.record({ kind: fc.constant("user" as const), uid: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant("cgroup" as const), id: fc.integer({ min: 1, max: 9 }) }),
  fc.record({
    kind: fc.constant("bridges" as const),
    numbers: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant("main" as const),
    routes: fc.uniqueArray(fc.constantFrom(1, 2, 3, 4), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("break" as const),
    what: fc.constantFrom("rule", "table", "route"),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(step: Step, rig: Rig, capture: Capture): Promise<void> {
  const { kernel } = rig;
  switch (step.kind) {
    case "proxies":
      return await capture.setProxies(proxies(...step.hosts.map((host) => `198.51.100.${host}`)));
    case "user":
      return await capture.letOut(user(step.uid));
    case "cgroup":
      return await capture.letOut(cgroup(step.id));
    case "bridges":
      kernel.links = kernel.links.filter(({ kind }) => kind !== "bridge")
        .concat(step.numbers.map((number) => link(10 + number, `br${number}`, "bridge")));
      kernel.addresses = step.numbers.map((number) => (
        { link: 10 + number, prefix: prefix(`10.${number}.0.1/16`) }
      ));
      return await capture.follow();
    case "main":
      kernel.routes = kernel.routes.filter(({ table }) => table !== 254)
        .concat(step.routes.map((host) => route(`10.9.${host}.0/24 via 192.168.1.${host}`, 2)));
      return await capture.follow();
    case "break":
      kernel.broken = step.what;
  }
}

Deno.test("capture: whatever happens, in the end everything is as before", async () => {
  const mode = fc.record({ strict: fc.boolean(), interface: fc.constantFrom("", "eth0") });
  await fc.assert(
    fc.asyncProperty(mode, fc.array(step, { maxLength: 12 }), async (settings, steps) => {
      using rig = new Rig();
      const capture = rig.capture(settings, { outside: user(70), proxySenders: user(71) });
      await begin(capture);
      const others = rig.kernel.rules.filter(({ mark }) => mark !== undefined);
      for (const each of steps) {
        const mayFail = rig.kernel.broken !== undefined;
        await take(each, rig, capture).catch((error) => {
          if (!mayFail) throw error;
        });
      }
      assertEquals(rig.kernel.rules.filter(({ mark }) => mark !== undefined), others);
      assert(rig.users.includes("70-70"));
      const main = rig.kernel.routes.filter(({ table }) => table === 254);
      await rig.transaction.undo();
      assertEquals(rig.kernel.routes, main);
      assertEquals(rig.kernel.rules, [{ family: 4, priority: 32_766, table: 254 }]);
      assertEquals([...rig.kernel.tables], []);
    }),
    { numRuns: 60 },
  );
});
