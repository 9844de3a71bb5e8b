import { assert, assertEquals } from "@std/assert";
import { NetlinkEvents } from "../../ffi/netlink_events_linux.ts";
import type { NetworkEvent } from "../../ffi/types.ts";
import { eventually } from "../support/eventually.ts";
import { HeldNamespace } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";
import { ip, makeLinks } from "../support/route_rig.ts";

/** Runs `body` with the news of a namespace that has links. */
async function withEvents(
  body: (events: NetlinkEvents, namespace: HeldNamespace) => Promise<void>,
): Promise<void> {
  const namespace = new HeldNamespace();
  namespace.enter(makeLinks);
  const events = namespace.enter(() => new NetlinkEvents());
  try {
    await body(events, namespace);
  } finally {
    await events.close();
    namespace.close();
  }
}

/** Waits until this kind of news has come, whatever else comes before. */
async function untilTold(events: NetlinkEvents, kind: NetworkEvent): Promise<void> {
  while (!(await events.next()).has(kind));
}

rootTest(
  "every kind of change is told, of both families",
  () =>
    withEvents(async (events, namespace) => {
      const changes: [NetworkEvent, string][] = [
        ["link", "link set near mtu 1400"],
        ["address", "address add 198.51.100.1/24 dev near"],
        ["address", "address add 2001:db8:9::1/64 dev near nodad"],
        ["route", "route add 203.0.113.0/24 via 192.0.2.9"],
        ["route", "-6 route add fd00::/8 via 2001:db8::9"],
        ["rule", "rule add priority 9 lookup 9"],
        ["rule", "-6 rule add priority 9 lookup 9"],
        ["rule", "rule del priority 9"],
        ["route", "route del 203.0.113.0/24"],
        ["address", "address del 198.51.100.1/24 dev near"],
        ["link", "link del near"],
      ];
      for (const [kind, change] of changes) {
        const told = untilTold(events, kind);
        namespace.enter(() => ip(change));
        await told;
      }
    }),
);

rootTest(
  "what happens while nobody waits is told to who waits next",
  () =>
    withEvents(async (events, namespace) => {
      namespace.enter(() => ip("rule add priority 9 lookup 9"));
      await untilTold(events, "rule");
    }),
);

rootTest("news that were lost are told as such", () =>
  withEvents(async (events, namespace) => {
    const lines = Array.from({ length: 3000 }, (_, index) => `rule add priority ${index + 9}`);
    const input = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(input, lines.join(" lookup 9\n") + " lookup 9\n");
      namespace.enter(() => ip(`-batch ${input}`));
    } finally {
      await Deno.remove(input);
    }
    await untilTold(events, "lost");
  }));

rootTest("closing ends a wait, and leaves no socket", async () => {
  const namespace = new HeldNamespace();
  const subscribed = () =>
    namespace.enter(() => Deno.readTextFileSync("/proc/thread-self/net/netlink"))
      .includes(" 000405d1 ");
  const events = namespace.enter(() => new NetlinkEvents());
  assert(subscribed());
  const next = events.next();
  await events.close();
  assertEquals((await next).size, 0);
  assertEquals((await events.next()).size, 0);
  await events.close();
  // A program that another test starts just now has a copy of the descriptor until it runs.
  await eventually("no socket", () => !subscribed() || undefined);
  namespace.close();
});
