/**
 * A program of its own, because threads of one process share its descriptors: runs whole tunnels one after
 * the other, and prints after each how many descriptors are open.
 */

import type { LocalHost } from "./fake_local_host.ts";
import { eventually } from "./eventually.ts";
import { withTunnel } from "./fake_tunnel.ts";
import { relaying } from "./fake_udp_relay.ts";
import { queryOf } from "../src/dns/fixtures.ts";

const FAR = "203.0.113.7";
const ROUNDS = 10;

async function round(closeEarly: boolean): Promise<void> {
  const udp = relaying();
  udp.connect = async (client, { port }) => {
    if (port === 81) return await client.reply(5);
    if (port === 82) return void await client.drain();
    await client.reply(0);
    await client.echo();
  };
  await withTunnel(
    { script: udp.script, set: (settings) => settings.udp = "auto" },
    async (tunnel) => {
      const { host, proxy } = tunnel;
      await datagrams(host);
      const flows = Array.from({ length: 10 }, () => host.connect(FAR, 80));
      for (const flow of flows) flow.sendPattern(1, 300_000);
      await host.connect(FAR, 81).opened();
      const before = proxy.clients.length;
      host.connect(FAR, 82);
      await eventually("it is asked", () => proxy.clients.length > before || undefined);
      if (closeEarly) return;
      for (const flow of flows.slice(0, 5)) flow.finish();
      for (const flow of flows.slice(0, 5)) await flow.over();
      for (const flow of flows.slice(5)) flow.abort();
    },
  );
}

async function datagrams(host: LocalHost): Promise<void> {
  for (let port = 5_000; port < 5_010; port++) host.sendUdp(port, FAR, 7, new Uint8Array(100));
  host.sendUdp(5_010, FAR, 53, queryOf(1, "name"));
  await eventually("datagrams come back", () => host.datagrams.length >= 10 || undefined);
}

/** How many there are once nothing is being closed any more. */
async function openDescriptors(): Promise<number> {
  let last = -1;
  return await eventually("the number of descriptors settles", () => {
    const now = [...Deno.readDirSync("/proc/self/fd")].length;
    const settled = now === last ? now : undefined;
    last = now;
    return settled;
  });
}

if (import.meta.main) {
  const counts: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    await round(i % 2 === 1);
    counts.push(await openDescriptors());
  }
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(counts)));
}
