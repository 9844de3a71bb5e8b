/** Ten thousand flows that do nothing: held, proved alive, released; and what they cost in memory. */

import { assert, assertEquals } from "@std/assert";
import { startNginx } from "../support/destinations.ts";
import { e2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { type Lab, PROXY, PROXY_PORT, WEB } from "../support/lab.ts";
import { routeDirectly, Tunnel } from "../support/paths.ts";
import { type Proxy, ztunSocks } from "../support/proxies.ts";
import { nofile, program, ztun } from "../support/ztun.ts";

const FLOWS = 10_000;
const SERVERS = 2;

/**
 * A proxy needs two descriptors per flow, and a process is seldom given more than 20 000: several
 * servers share the port of one.
 */
const sharedSocks: Proxy = {
  ...ztunSocks,
  start: async (lab) => {
    const ports = Array.from({ length: SERVERS }, (_, at) => PROXY_PORT + 1 + at);
    const targets = ports.map((port, at) => `${at} : ${port}`).join(", ");
    await lab.server.must(["nft", "-f", "-"], {
      input: `table ip share {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr ${PROXY} tcp dport ${PROXY_PORT} dnat to ${PROXY} : numgen inc mod ${SERVERS} map { ${targets} }
  }
}`,
    });
    const servers = ports.map((port) => {
      const command = nofile(ztun("socks", "--listen", `${PROXY}:${port}`, ...LIMITS));
      return lab.serve(`ztun socks ${port}`, command, PROXY, port);
    });
    return (await Promise.all(servers))[0]!;
  },
};

const LIMITS = ["--max-tcp-flows", String(2 * FLOWS)];

e2e("10 000 idle flows held and released", "ztun socks", async ({ lab, note }) => {
  await startNginx(lab);
  if (Deno.env.get("ZTUN_E2E_DIRECT") === "1") {
    await routeDirectly(lab);
    return await holdAndRelease(lab, () => Promise.resolve());
  }
  await sharedSocks.start(lab);
  const tunnel = await Tunnel.up(lab, sharedSocks);
  const mib = () => (tunnel.process.residentBytes() / 2 ** 20).toFixed(0);
  const before = mib();
  let held = "";
  await holdAndRelease(lab, async () => {
    held = mib();
    assertEquals((await tunnel.gauges()).tcpFlows, FLOWS);
    assert(tunnel.process.descriptors().length >= FLOWS);
  });
  await tunnel.assertNothingLeft();
  note(`memory ${before} MiB before, ${held} MiB held, ${mib()} MiB after`);
  await tunnel.down();
});

async function holdAndRelease(lab: Lab, whileHeld: () => Promise<void>): Promise<void> {
  const command = nofile(program("hold_flows.ts", WEB, "80", String(FLOWS)));
  const holder = lab.start("holder", lab.client, command, { stdin: "piped" });
  await holder.logged(/held/, 90_000);
  await whileHeld();
  await holder.write("\n");
  await holder.logged(/released/, 60_000);
  await holder.closeInput();
  assertEquals((await holder.ended).code, 0);
  await eventually("the kernel to forget the client's connections", async () => {
    const open = await lab.client.must(["ss", "-Htn", "state", "established"]);
    return open.split("\n").some((line) => line.includes(`${WEB}:80`)) ? undefined : true;
  });
}
