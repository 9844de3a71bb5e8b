import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RouteSocket } from "../../../ffi/types.ts";
import { formatAddress } from "../../../src/addr/address.ts";
import { type FileWatch, Keeper, type KeeperSystem } from "../../../src/capture/keeper.ts";
import type { ProxyPath } from "../../../src/engine/proxy_path.ts";
import type { FlowSample } from "../../../src/engine/flow_sample.ts";
import type { LoopReport } from "../../../src/host/owner/loop_watchdog.ts";
import type { GuardNews } from "../../../src/host/owner/proxy_guard.ts";
import type { Difference } from "../../../src/netmon/difference.ts";
import type { HostState } from "../../../src/netmon/host_state.ts";
import type { MonitorOptions } from "../../../src/netmon/monitor.ts";
import { KeptLog } from "../../support/fake_host.ts";
import { address } from "../../support/route_rig.ts";

const empty = { defaults: [], wayOut: undefined };
const PROXY = "198.51.100.1";
const END = { address: address("127.0.0.1"), port: 1080 };
const GONE: GuardNews = { kind: "gone" };
const exempted = (uid: number): GuardNews => ({
  kind: "exempted",
  plan: { kind: "planned", exemption: { kind: "user", uid, why: `user ${uid}` } } as never,
  applied: { cgroup: undefined, sockets: { complete: true, failures: [] } } as never,
});

function state(...addresses: string[]): HostState {
  const found = addresses.map((prefix) => ({ device: "eth0", prefix }));
  return { links: [], addresses: found, ipv4: empty, ipv6: empty };
}

/** What is kept right, and the host around it: all made up. What was done is in `did`, in order. */
class Rig {
  readonly did: string[] = [];
  readonly log = new KeptLog();
  readonly paths: ProxyPath[] = [];
  /** Of what is done next, by its name: it throws. */
  readonly failing = new Set<string>();
  /** Nothing that is done goes on before. */
  held: Promise<void> = Promise.resolve();
  now = 0;
  hasWay = true;
  /** What the proxy of this host says of itself at the next look; without one there is none. */
  news: GuardNews | undefined;
  nextTick = Infinity;
  /** Where the proxy is found to be. */
  moved: string | undefined;
  remote = [PROXY];
  nextLook = Infinity;
  flow: FlowSample | undefined;
  loop: LoopReport | undefined;
  readonly #timers = new Map<() => void, number>();
  readonly #files = new FakeFiles();
  #tellMonitor: MonitorOptions["onChange"] = () => {};
  #state = state("192.0.2.7/24");

  readonly system: KeeperSystem = {
    watchNetwork: ({ onChange, isOurs }) => {
      assertEquals([isOurs("ztun0"), isOurs("eth0")], [true, false]);
      this.#tellMonitor = onChange;
      const close = () => this.#do("monitor closed");
      return { state: this.#state, close };
    },
    watchFiles: () => this.#files,
    withRoutes: (body) =>
      body({
        lookup: (_, options) => {
          assertEquals(options, { mark: 7 });
          return this.hasWay ? { type: "unicast" } : undefined;
        },
      } as RouteSocket),
    now: () => this.now,
    after: (ms, callback) => {
      const entry = () => callback();
      this.#timers.set(entry, this.now + ms);
      return () => this.#timers.delete(entry);
    },
  };

  keep(local = false): Keeper {
    return new Keeper({
      capture: {
        restore: () => Promise.resolve([]),
        routing: { mark: 7 },
        resolver: { look: () => this.#do("names").then(() => false) },
        setProxies: (proxies) =>
          this.#do(`proxies ${proxies.map(({ address }) => formatAddress(address))}`),
        letOut: ({ users }) => this.#do(`out ${users.map(({ from }) => from)}`),
        follow: () => this.#do("capture"),
      },
      engine: {
        follow: (path) => {
          this.paths.push(path);
          return this.#do("engine");
        },
        newestFlow: () => Promise.resolve(this.flow),
      },
      proxies: this.#proxies,
      port: 1080,
      local: local ? this.#local : undefined,
      said: "as it began",
      judgeFlow: () => this.loop,
      device: "ztun0",
      log: this.log,
    }, this.system);
  }

  get #proxies() {
    const nextLook = () => this.nextLook;
    const remote = () => this.remote;
    return {
      failed: () => void this.did.push("proxy failed"),
      networkChanged: () => void this.did.push("proxy's network"),
      again: () => {
        if (this.moved === undefined) return Promise.resolve(false);
        this.remote = [this.moved];
        this.moved = undefined;
        return Promise.resolve(true);
      },
      get nextLook() {
        return nextLook();
      },
      get remote() {
        return remote().map(address);
      },
      get texts() {
        return remote();
      },
    };
  }

  get #local() {
    return {
      end: END,
      connectFailed: () => void this.did.push("look at once"),
      nextLook: () => this.nextTick,
      tick: () => {
        const news = this.news;
        this.news = undefined;
        this.did.push("tick");
        if (this.failing.delete("tick")) throw new Error("no tick");
        return news;
      },
    };
  }

  async #do(what: string): Promise<void> {
    this.did.push(what);
    await this.held;
    if (this.failing.delete(what)) throw new Error(`no ${what}`);
  }

  /** The network is another one, with these addresses. */
  change(...addresses: string[]): Promise<void> {
    const after = state(...addresses);
    const reasons = [{ kind: "link-came", device: "eth1" }] as const;
    const found: Difference = { before: this.#state, after, reasons };
    this.#state = after;
    return Promise.resolve(this.#tellMonitor(found));
  }

  async write(...paths: string[]): Promise<void> {
    this.#files.tell(paths);
    await settle();
  }

  get timers(): number[] {
    return [...this.#timers.values()].map((due) => due - this.now);
  }

  /** Lets time pass, with everything that is due in it. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    while (true) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a - b);
      if (next === undefined || next[1] > end) break;
      const [callback, due] = next;
      this.now = due;
      this.#timers.delete(callback);
      callback();
      await settle();
    }
    this.now = end;
  }

  /** What was done since the last time that somebody asked. */
  done(): string[] {
    return this.did.splice(0);
  }
}

class FakeFiles implements FileWatch {
  #waiting = Promise.withResolvers<readonly string[] | undefined>();

  tell(paths: readonly string[]): void {
    const { resolve } = this.#waiting;
    this.#waiting = Promise.withResolvers();
    resolve(paths);
  }

  close(): void {
    this.#waiting.resolve(undefined);
  }

  async *[Symbol.asyncIterator]() {
    while (true) {
      const paths = await this.#waiting.promise;
      if (paths === undefined) return;
      yield { paths };
    }
  }
}

/** Until everything that waits for nothing else is done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}

Deno.test("keeper: while nothing happens it looks every ten seconds", async () => {
  const rig = new Rig();
  const keeper = rig.keep();
  await rig.pass(9_999);
  assertEquals(rig.done(), []);
  await rig.pass(20_001);
  assertEquals(rig.done(), ["names", "names", "names"]);
  assertEquals([keeper.online, keeper.changes, keeper.proxyNews], [true, 0, "as it began"]);
  await keeper.close();
});

Deno.test("keeper: another network is followed by the capture, then by the engine", async () => {
  const rig = new Rig();
  const keeper = rig.keep();
  await rig.change("10.0.0.2/24", "2001:db8::2/64");
  assertEquals(rig.done(), ["capture", "engine", "proxy's network", "names"]);
  const local = ["10.0.0.2", "2001:db8::2"];
  assertEquals(rig.paths, [{ addresses: [PROXY], online: true, local }]);
  assertEquals(keeper.changes, 1);
  assertStringIncludes(rig.log.lines.join(), "The network has changed: ");
  await keeper.close();
});

Deno.test("keeper: without a way to the proxy it is offline, and says so once", async () => {
  const rig = new Rig();
  const keeper = rig.keep();
  rig.hasWay = false;
  await rig.change();
  await rig.change();
  assertEquals([keeper.online, rig.paths.map(({ online }) => online)], [false, [false, false]]);
  rig.hasWay = true;
  await rig.change("10.0.0.2/24");
  assertEquals(keeper.online, true);
  assertEquals(rig.log.warnings, ["There is no network", "The network is back"]);
  await keeper.close();
});

Deno.test("keeper: a proxy of this host needs no network", async () => {
  const rig = new Rig();
  rig.remote = [];
  rig.hasWay = false;
  const keeper = rig.keep(true);
  await rig.change();
  assertEquals([keeper.online, rig.log.warnings], [true, []]);
  await keeper.close();
});

Deno.test("keeper: what fails keeps nobody from what comes after it", async () => {
  const rig = new Rig();
  const keeper = rig.keep(true);
  for (const what of ["capture", "engine", "tick", "names"]) rig.failing.add(what);
  await rig.change("10.0.0.2/24");
  const all = ["capture", "engine", "proxy's network", "tick", "names"];
  assertEquals(rig.done(), all);
  assertEquals(
    rig.log.warnings,
    ["capture", "engine", "tick", "names"].map((what) =>
      `Cannot keep up with the host: no ${what}`
    ),
  );
  await rig.change("10.0.0.3/24");
  assertEquals([rig.done(), rig.log.warnings.length], [all, 4]);
  await keeper.close();
});

Deno.test("keeper: the next process that is the proxy stays outside", async () => {
  const rig = new Rig();
  const keeper = rig.keep(true);
  rig.nextTick = 2_000;
  keeper.proxyUnreachable();
  await settle();
  assertEquals(rig.done(), ["look at once", "proxy failed", "tick", "names"]);
  rig.news = GONE;
  await rig.pass(2_000);
  assertEquals(keeper.proxyNews, "Nobody listens at 127.0.0.1:1080 any more");
  assertEquals(rig.log.warnings, [keeper.proxyNews]);
  rig.done();
  rig.news = exempted(33);
  rig.nextTick = Infinity;
  await rig.pass(100);
  assertEquals(rig.done(), ["tick", "out 33", "names"]);
  assertEquals(keeper.proxyNews, "The proxy's own traffic stays outside: user 33");
  assertEquals(rig.log.warnings.length, 1);
  await keeper.close();
});

Deno.test("keeper: a look that is overdue comes soon, but not at once", async () => {
  const rig = new Rig();
  rig.nextTick = -5;
  const keeper = rig.keep(true);
  assertEquals(rig.timers, [10]);
  await keeper.close();
});

Deno.test("keeper: however often the proxy is not reached, one look waits", async () => {
  const rig = new Rig();
  const keeper = rig.keep(true);
  const gate = Promise.withResolvers<void>();
  rig.held = gate.promise;
  const changed = rig.change("10.0.0.2/24");
  await settle();
  for (let times = 0; times < 50; times++) keeper.proxyUnreachable();
  gate.resolve();
  await changed;
  await settle();
  assertEquals(rig.done().filter((what) => what === "tick").length, 2);
  await keeper.close();
});

Deno.test("keeper: where the proxy has moved capture and engine follow", async () => {
  const rig = new Rig();
  rig.moved = "198.51.100.2";
  rig.nextLook = 3_000;
  const keeper = rig.keep();
  await rig.pass(3_000);
  assertEquals(rig.done(), ["names", "proxies 198.51.100.2", "engine"]);
  assertEquals(rig.paths.at(-1)?.addresses, ["198.51.100.2"]);
  rig.moved = "198.51.100.3";
  rig.failing.add("proxies 198.51.100.3");
  keeper.proxyUnreachable();
  await settle();
  assertEquals(rig.paths.at(-1)?.addresses, ["198.51.100.3"]);
  await keeper.close();
});

Deno.test("keeper: resolv.conf is looked at when it is written, other files are not", async () => {
  const rig = new Rig();
  const keeper = rig.keep();
  await rig.write("/etc/passwd", "/etc/hosts");
  assertEquals(rig.done(), []);
  await rig.write("/etc/resolv.conf");
  assertEquals(rig.done(), ["names"]);
  await keeper.close();
});

Deno.test("keeper: a proxy that runs in a circle is told of", async () => {
  const rig = new Rig();
  const keeper = rig.keep();
  rig.loop = { message: "It runs in a circle" } as LoopReport;
  await rig.pass(10_000);
  assertEquals(rig.log.warnings, []);
  rig.flow = { protocol: "tcp", source: END, destination: END };
  await rig.pass(10_000);
  assertEquals(rig.log.warnings, ["It runs in a circle"]);
  await keeper.close();
});

Deno.test("keeper: one thing is done at a time, in the order of the news", async () => {
  const rig = new Rig();
  const keeper = rig.keep();
  const gate = Promise.withResolvers<void>();
  rig.held = gate.promise;
  const changes = [rig.change("10.0.0.2/24"), rig.change("10.0.0.3/24")];
  await rig.write("/etc/resolv.conf");
  assertEquals(rig.done(), ["capture"]);
  gate.resolve();
  await Promise.all(changes);
  await settle();
  const change = ["capture", "engine", "proxy's network", "names"];
  assertEquals(rig.done(), [...change.slice(1), ...change, "names"]);
  await keeper.close();
});

Deno.test("keeper: closing waits for what is under way, and nothing comes after it", async () => {
  const rig = new Rig();
  rig.nextTick = 10;
  rig.news = exempted(33);
  const keeper = rig.keep(true);
  const gate = Promise.withResolvers<void>();
  rig.held = gate.promise;
  await rig.pass(10);
  void rig.change("10.0.0.2/24");
  let closed = false;
  const closing = keeper.close().then(() => closed = true);
  await settle();
  assertEquals([closed, rig.done()], [false, ["tick", "out 33", "monitor closed"]]);
  gate.resolve();
  await closing;
  assertEquals(rig.done(), ["names"]);
  keeper.proxyUnreachable();
  await rig.write("/etc/resolv.conf");
  await rig.pass(60_000);
  assertEquals(rig.done(), ["look at once", "proxy failed"]);
  assert(rig.timers.length === 0);
});
