import { assertEquals, assertThrows } from "@std/assert";
import { EgressTable } from "../../../src/capture/egress_table.ts";
import { UserError } from "../../../src/errors.ts";
import { Transaction } from "../../../src/host/transaction.ts";
import { routeKind } from "../../../src/host/changes/route_change.ts";
import type { ChangeKind } from "../../../src/host/change.ts";
import { withRoutes } from "../../../src/host/with_routes.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { FakeKernel, link, MAIN, route, shownRoute } from "../../support/fake_kernel.ts";
import { HeldNamespace, runHere, waitHere } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { address, ip, makeLinks } from "../../support/route_rig.ts";

const TABLE = 900;

class Rig implements Disposable {
  readonly kernel = new FakeKernel();
  readonly #host = new FakeHost();
  readonly transaction = new Transaction({
    kinds: this.kernel.kinds(new Map()),
    log: this.#host.log,
    openJournal: () => this.#host.openJournal(),
  });
  readonly table = new EgressTable("eth0", TABLE, this.transaction);

  constructor(...routes: string[]) {
    this.routes = routes;
  }

  /** Of the main table, by the interface. */
  set routes(texts: readonly string[]) {
    const { kernel } = this;
    kernel.routes = kernel.routes.filter(({ table }) => table !== MAIN);
    kernel.routes.push(...texts.map((text) => route(text, 2)));
  }

  look() {
    return this.kernel.withRoutes((socket) => this.table.look(socket));
  }

  async follow(): Promise<string[]> {
    await this.table.follow(this.look());
    return this.made;
  }

  get made(): string[] {
    return this.kernel.routes.filter(({ table }) => table === TABLE)
      .map((each) => shownRoute(each).replace(` by 2 in ${TABLE}`, ""));
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
  }
}

const HOME = ["0.0.0.0/0 via 192.168.1.1", "192.168.1.0/24"];
const WORK = ["0.0.0.0/0 via 10.0.0.1", "10.0.0.0/24"];

Deno.test("egress table: it says what the main table does, networks before gateways", async () => {
  using rig = new Rig(...HOME);
  rig.kernel.routes.push(route("198.51.100.0/24 via 172.16.0.1", 4));
  rig.kernel.routes.push({ ...route("203.0.113.0/24", 2), type: "blackhole" });
  const before = rig.kernel.snapshot();
  assertEquals(await rig.follow(), HOME.toReversed());
  await rig.transaction.undo();
  assertEquals(rig.kernel.snapshot(), before);
});

Deno.test("egress table: metrics tell routes to one place apart", async () => {
  using rig = new Rig();
  rig.kernel.routes.push(
    route("0.0.0.0/0 via 192.0.2.1", 2, { metric: 100 }),
    route("0.0.0.0/0 via 192.0.2.2", 2, { metric: 200 }),
  );
  assertEquals(await rig.follow(), [
    "0.0.0.0/0 via 192.0.2.1 metric 100",
    "0.0.0.0/0 via 192.0.2.2 metric 200",
  ]);
});

Deno.test("egress table: another gateway takes the place of the last one", async () => {
  using rig = new Rig(...HOME);
  await rig.follow();
  rig.routes = WORK;
  assertEquals(await rig.follow(), WORK.toReversed());
  rig.routes = ["0.0.0.0/0 via 10.0.0.2", "10.0.0.0/24"];
  assertEquals(await rig.follow(), ["10.0.0.0/24", "0.0.0.0/0 via 10.0.0.2"]);
});

Deno.test("egress table: what the interface took along is made again, even unseen", async () => {
  using rig = new Rig(...HOME);
  const whole = await rig.follow();
  rig.kernel.flush(2);
  rig.routes = HOME;
  assertEquals(rig.made, []);
  assertEquals(await rig.follow(), whole);
});

Deno.test("egress table: an interface may go, and come with another number", async () => {
  using rig = new Rig(...HOME);
  const { kernel } = rig;
  const hops = [{ link: 4 }, { link: 5 }];
  const { link: _, ...shared } = route("100.64.0.0/10", 0, { hops });
  kernel.routes.push(shared);
  await rig.follow();
  const links = kernel.links;
  kernel.links = links.filter(({ name }) => name !== "eth0");
  kernel.flush(2);
  assertEquals(await rig.follow(), []);
  assertEquals(await rig.follow(), []);
  kernel.links = [...kernel.links, link(7, "eth0")];
  kernel.routes.push(route("192.0.2.0/24", 7));
  assertEquals(await rig.follow(), [`192.0.2.0/24 by 7 in ${TABLE}`]);
});

Deno.test("egress table: of several ways it is the one by the interface", async () => {
  using rig = new Rig("192.0.2.0/24");
  const hops = [{ link: 2, gateway: address("192.0.2.1") }, { link: 4 }];
  const { link: _, ...shared } = route("0.0.0.0/0", 0, { hops });
  rig.kernel.routes.push(shared);
  assertEquals(await rig.follow(), ["192.0.2.0/24", "0.0.0.0/0 via 192.0.2.1"]);
});

Deno.test("egress table: what could not be made is made the next time", async () => {
  using rig = new Rig(...HOME);
  rig.kernel.broken = "route";
  assertEquals(await rig.follow().catch(() => "failed"), "failed");
  assertEquals(await rig.follow(), HOME.toReversed());
});

Deno.test("egress table: an interface that never was is an error", () => {
  using rig = new Rig();
  rig.kernel.links = [];
  const error = assertThrows(() => rig.look(), UserError, 'There is no interface "eth0"');
  assertEquals(error.hint, "`ip -br link` shows those that there are");
});

rootTest("egress table: the kernel follows a new gateway and a link that went down", async () => {
  using host = new FakeHost();
  const namespace = new HeldNamespace();
  try {
    namespace.enter(() => {
      makeLinks();
      ip("route add default via 192.0.2.9 dev near", "route add default via 2001:db8::9 dev near");
    });
    const transaction = new Transaction({
      kinds: { route: routeKind((body) => namespace.enter(() => withRoutes(body))) as ChangeKind },
      log: host.log,
      openJournal: () => host.openJournal(),
    });
    const table = new EgressTable("near", TABLE, transaction);
    const follow = () =>
      table.follow(namespace.enter(() => withRoutes((socket) => table.look(socket))));
    const shown = (of: number | string) =>
      namespace.enter(() =>
        ["-4", "-6"].flatMap((family) =>
          runHere("ip", family, "route", "show", "table", String(of), "type", "unicast")
            .split("\n").filter((line) => line !== "")
        ).map((line) => line.replace(/ (proto|scope|src|pref) \S+/g, "").trim()).toSorted()
      );
    await follow();
    assertEquals(shown(TABLE), shown("main"));
    namespace.enter(() => ip("route replace default via 192.0.2.8 dev near"));
    await follow();
    assertEquals(shown(TABLE), shown("main"));
    namespace.enter(() => {
      ip("link set near down", "link set near up");
      waitHere(
        "the link to run",
        () => runHere("ip", "-o", "link").split(" state UP ").length === 3,
      );
      ip("address add 2001:db8::1/64 dev near nodad");
      ip("route add default via 192.0.2.7 dev near", "route add default via 2001:db8::7 dev near");
    });
    await follow();
    assertEquals(shown(TABLE), shown("main"));
    assertEquals(shown(TABLE).length >= 4, true);
    await transaction.undo();
    assertEquals(shown(TABLE), []);
  } finally {
    namespace.close();
  }
});
