import { assert, assertEquals, assertThrows } from "@std/assert";
import type { NetworkEvent, NetworkEvents } from "../../../ffi/types.ts";
import type { Difference, Reason } from "../../../src/netmon/difference.ts";
import type { HostState } from "../../../src/netmon/host_state.ts";
import { Monitor, type MonitorSystem } from "../../../src/netmon/monitor.ts";
import { eventually } from "../../support/eventually.ts";
import { HeldNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { ip, makeLinks } from "../../support/route_rig.ts";

const empty = { defaults: [], wayOut: undefined };

/** A host with one link, whose MTU tells one picture from another; its clock goes when it is told to. */
class FakeSystem implements MonitorSystem {
  mtu = 1500;
  looks = 0;
  broken = false;
  slept = 0;
  closed = false;
  events?: NetworkEvents;
  #now = 0;
  #timers = new Map<() => void, number>();
  #news: PromiseWithResolvers<ReadonlySet<NetworkEvent>> = Promise.withResolvers();

  constructor(hasNews = true) {
    if (hasNews) this.events = { next: () => this.next(), close: () => this.closeEvents() };
  }

  look(): HostState {
    this.looks++;
    if (this.broken) throw new Error("Cannot see");
    const links = [{ index: 2, name: "eth0", running: true, mtu: this.mtu }];
    return { links, addresses: [], ipv4: empty, ipv6: empty };
  }

  async next(): Promise<ReadonlySet<NetworkEvent>> {
    const news = await this.#news.promise;
    if (news.size > 0) this.#news = Promise.withResolvers();
    return news;
  }

  closeEvents(): Promise<void> {
    this.#news.resolve(new Set());
    return Promise.resolve();
  }

  suspendedMs = () => this.slept;
  now = () => this.#now;

  after(ms: number, callback: () => void): () => void {
    const entry = () => callback();
    this.#timers.set(entry, this.#now + ms);
    return () => this.#timers.delete(entry);
  }

  close(): void {
    this.closed = true;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** The kernel tells something. */
  async tell(kind: NetworkEvent = "link"): Promise<void> {
    this.#news.resolve(new Set([kind]));
    await settle();
  }

  async fail(): Promise<void> {
    this.#news.reject(new Error("No memory"));
    await settle();
  }

  /** Lets time pass, with everything that is due in it. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (true) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a - b);
      if (next === undefined || next[1] > end) break;
      const [callback, due] = next;
      this.#now = due;
      this.#timers.delete(callback);
      callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Until everything that waits for nothing else is done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** A monitor of the fake host, and what it has told. */
function watch(system: FakeSystem, onChange?: (found: Difference) => void | Promise<void>) {
  const told: Reason[][] = [];
  const warnings: string[] = [];
  const monitor = Monitor.start({
    onChange(found) {
      told.push([...found.reasons]);
      return onChange?.(found);
    },
    isOurs: () => false,
    log: { debug() {}, warn: (line) => warnings.push(line) },
  }, system);
  return { monitor, told, warnings };
}

const mtu = (from: number, to: number): Reason => ({
  kind: "mtu-changed",
  device: "eth0",
  from,
  to,
});

Deno.test("news that change nothing are not told, and without news nobody looks", async () => {
  const system = new FakeSystem();
  const { monitor, told } = watch(system);
  await system.pass(60_000);
  assertEquals(system.looks, 1);
  await system.tell("route");
  await system.pass(1000);
  assertEquals([system.looks, told], [2, []]);
  await monitor.close();
});

Deno.test("a burst is looked at once, when it is over", async () => {
  const system = new FakeSystem();
  const { monitor, told } = watch(system);
  for (let news = 0; news < 5; news++) {
    system.mtu--;
    await system.tell();
    await system.pass(30);
  }
  assertEquals(system.looks, 1);
  await system.pass(30);
  assertEquals([system.looks, told], [2, [[mtu(1500, 1495)]]]);
  assertEquals(monitor.state.links[0]!.mtu, 1495);
  await monitor.close();
});

Deno.test("a burst without end is looked at all the same", async () => {
  const system = new FakeSystem();
  const { monitor, told } = watch(system);
  for (let news = 0; news < 100; news++) {
    system.mtu--;
    await system.tell(news % 2 === 0 ? "link" : "lost");
    await system.pass(20);
  }
  assert(system.looks >= 4 && system.looks <= 6, String(system.looks));
  assertEquals(told.length, system.looks - 1);
  await monitor.close();
});

Deno.test("without news it looks every two seconds; likewise once they fail", async () => {
  const silent = new FakeSystem(false);
  const failing = new FakeSystem();
  for (const system of [silent, failing]) {
    const { monitor, told, warnings } = watch(system);
    if (system === failing) {
      await system.fail();
      assertEquals(warnings.length, 1);
    }
    system.mtu = 1400;
    await system.pass(2000);
    assertEquals(told, [[mtu(1500, 1400)]]);
    await system.pass(20_000);
    assertEquals(told.length, 1);
    await monitor.close();
  }
});

Deno.test("a sleep is told, once, even if everything looks as before", async () => {
  const system = new FakeSystem();
  const { monitor, told } = watch(system);
  system.slept = 3_600_000;
  await system.pass(10_000);
  assertEquals(told, [[{ kind: "woke", sleptMs: 3_600_000 }]]);
  await system.pass(10_000);
  assertEquals(told.length, 1);
  await monitor.close();
});

Deno.test("what changes while somebody is told is told after it, from that picture on", async () => {
  const system = new FakeSystem();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  const { monitor, told } = watch(system, () => gates[calls++]?.promise);
  for (const next of [1400, 1300, 1200]) {
    system.mtu = next;
    await system.tell();
    await system.pass(100);
  }
  assertEquals(told, [[mtu(1500, 1400)]]);
  gates[0]!.resolve();
  await settle();
  assertEquals(told, [[mtu(1500, 1400)], [mtu(1400, 1200)]]);
  gates[1]!.resolve();
  await settle();
  assertEquals(told.length, 2);
  await monitor.close();
});

Deno.test("who cannot follow a change is told of the next", async () => {
  const system = new FakeSystem();
  const { monitor, told, warnings } = watch(system, () => Promise.reject(new Error("No")));
  for (const next of [1400, 1300]) {
    system.mtu = next;
    await system.tell();
    await system.pass(100);
  }
  assertEquals([told.length, warnings.length], [2, 2]);
  await monitor.close();
});

Deno.test("a look that fails is made up for", async () => {
  const system = new FakeSystem();
  const { monitor, told } = watch(system);
  system.broken = true;
  system.mtu = 1400;
  await system.tell();
  await system.pass(5000);
  assert(system.looks > 2);
  system.broken = false;
  await system.pass(2000);
  assertEquals(told, [[mtu(1500, 1400)]]);
  await monitor.close();
});

Deno.test("closing ends everything; nothing is told after it", async () => {
  const system = new FakeSystem();
  const gate = Promise.withResolvers<void>();
  const { monitor, told } = watch(system, () => gate.promise);
  system.mtu = 1400;
  await system.tell();
  await system.pass(100);
  system.mtu = 1300;
  await system.tell();
  await monitor.close();
  await monitor.close();
  gate.resolve();
  await settle();
  assertEquals([told.length, system.timers, system.closed], [1, 0, true]);
});

Deno.test("a monitor that cannot begin leaves nothing open", () => {
  const system = new FakeSystem();
  system.broken = true;
  assertThrows(() => watch(system), Error, "Cannot see");
  assert(system.closed);
});

/** A monitor of a namespace with links and a default route, and what `ip` does in there. */
async function onHost(
  body: (host: {
    /** Does that, and waits until this was told. */
    change(lines: string[], expected: (reason: Reason) => boolean): Promise<Reason[]>;
  }) => Promise<void>,
): Promise<void> {
  const namespace = new HeldNamespace();
  let told: Reason[] = [];
  const options = {
    onChange: ({ reasons }: Difference) => void told.push(...reasons),
    isOurs: (device: string) => device.startsWith("ztun"),
    log: { debug() {}, warn() {} },
  };
  namespace.enter(() => {
    makeLinks();
    ip("route add default via 192.0.2.9");
  });
  const monitor = namespace.enter(() => Monitor.start(options));
  try {
    await body({
      async change(lines, expected) {
        told = [];
        namespace.enter(() => ip(...lines));
        await eventually(lines.join("; "), () => told.some(expected) || undefined);
        return told;
      },
    });
  } finally {
    await monitor.close();
    namespace.close();
  }
}

const is = (kind: Reason["kind"]) => (reason: Reason) => reason.kind === kind;

rootTest(
  "a real host: addresses and ways out come, change and go",
  () =>
    onHost(async ({ change }) => {
      const replaced = await change(["route replace default via 192.0.2.8"], is("default-changed"));
      assertEquals(
        replaced.map((reason) =>
          reason.kind === "default-changed" && [reason.from?.gateway, reason.to?.gateway]
        ),
        [["192.0.2.9", "192.0.2.8"]],
      );
      const bare = await change(["address del 192.0.2.1/24 dev near"], is("offline"));
      assert(bare.some(is("address-gone")) && bare.some(is("default-changed")));
      await change(["address add 192.0.2.7/24 dev near"], is("address-came"));
      await change(["route add default via 192.0.2.9"], is("online"));
      await change(["-6 route add default via 2001:db8::9"], is("default-changed"));
    }),
);

rootTest(
  "a real host: links lose their carrier, are taken down, and vanish",
  () =>
    onHost(async ({ change }) => {
      const unplugged = await change(["link set far down"], is("offline"));
      assert(
        unplugged.some((reason) => reason.kind === "link-stopped" && reason.device === "near"),
      );
      await change(["link set far up"], is("online"));
      await change(["link set near down"], is("offline"));
      await change(["link del near"], is("link-gone"));
    }),
);

rootTest("a real host: what is ours is no news", () =>
  onHost(async ({ change }) => {
    const told = await change(
      [
        "link add ztun0 type bridge",
        "link set ztun0 up",
        "address add 198.18.0.1/30 dev ztun0",
        "route add default dev ztun0 metric 1",
        "link set near mtu 1400",
      ],
      is("mtu-changed"),
    );
    assertEquals(told, [{ kind: "mtu-changed", device: "near", from: 1500, to: 1400 }]);
  }));
