import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TcpBench } from "./tcp_bench.ts";

/** One thing that happens; `pick` chooses among what there is for it to happen to. */
const step = fc.record({
  kind: fc.constantFrom(
    "ask",
    "ask",
    "ask",
    "opened",
    "opened",
    "reply",
    "reply",
    "reply out of turn",
    "rubbish",
    "end",
    "wait",
  ),
  pick: fc.nat(50),
});

const settings = {
  pipeline: 3,
  connectionsPerServer: 2,
  connections: 4,
  queue: 5,
  servers: 6,
};

function take(bench: TcpBench, kind: string, pick: number): void {
  const ids = [...bench.connections.keys()];
  const id = ids[pick % Math.max(1, ids.length)];
  if (kind === "ask") bench.ask(`192.0.2.${pick % 8}:53`);
  else if (kind === "wait") bench.pass(pick * 200);
  else if (id === undefined) return;
  else if (kind === "opened") bench.opened(id);
  else if (kind === "end") bench.end(id);
  else if (kind === "rubbish") bench.data(id, new Uint8Array(pick).fill(pick));
  else {
    const written = bench.written(id);
    const query = kind === "reply"
      ? written[bench.answered.length % (written.length || 1)]
      : written.at(-1);
    if (query !== undefined) bench.reply(id, query);
  }
}

Deno.test("property: whatever happens, every query ends in exactly one way, within bounds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const bench = new TcpBench(settings);
      let asked = 0;
      for (const { kind, pick } of steps) {
        if (kind === "ask") asked++;
        take(bench, kind, pick);
        assert(bench.pool.connections <= settings.connections);
        assertEquals(bench.pool.connections, bench.connections.size);
        const perServer = Map.groupBy(bench.connections.values(), ({ server }) => server);
        for (const group of perServer.values()) {
          assert(group.length <= settings.connectionsPerServer);
        }
      }
      bench.pass(60_000);
      const ended = [
        ...bench.answered,
        ...bench.timedOut,
        ...bench.failures.map(({ transaction }) => transaction),
      ];
      assertEquals(ended.length, asked);
      assertEquals(new Set(ended).size, asked);
      assertEquals([bench.table.inFlight, bench.pool.connections, bench.pool.waiting], [0, 0, 0]);
      assertEquals([bench.pool.nextDeadline(), bench.table.nextDeadline()], [Infinity, Infinity]);
    }),
    { numRuns: 500 },
  );
});
