import { assertEquals } from "@std/assert";
import { runCheck } from "../../../src/demo/result.ts";
import {
  nothingLeftCheck,
  proxyLeftCheck,
  relayVerdictCheck,
  type TunnelFigures,
} from "../../../src/demo/tunnel_checks.ts";

const IDLE: TunnelFigures = {
  proxyUdp: "relays",
  gauges: { tcpFlows: 0, udpMappings: 0, udpAssociations: 0, dnsConnections: 0 },
  dns: { queries: 0 },
};

/** One after the other; the last one again and again. */
function figures(...list: (TunnelFigures | undefined)[]) {
  return () => Promise.resolve(list.length > 1 ? list.shift() : list[0]);
}

async function outcome(check: Parameters<typeof runCheck>[0]): Promise<string> {
  const { result, seen } = await runCheck(check);
  return `${result}: ${seen}`;
}

Deno.test("the tunnel must have found out what the proxy can", async () => {
  const no = { ...IDLE, proxyUdp: "no" };
  const check = async (reach: "all" | "tcp-only", is: TunnelFigures) =>
    await outcome(relayVerdictCheck(reach, figures(is)));
  assertEquals(await check("all", IDLE), "ok: found to relay UDP");
  assertEquals(await check("tcp-only", no), "ok: found not to relay UDP");
  assertEquals(await check("all", no), 'fail: the tunnel takes its UDP for "no"');
  assertEquals(
    await outcome(relayVerdictCheck("all", figures(undefined))),
    "fail: the tunnel does not answer on its control socket",
  );
});

Deno.test("what is on its way out is waited for; what is kept for names is named", async () => {
  const busy = { ...IDLE, gauges: { ...IDLE.gauges, tcpFlows: 1 } };
  assertEquals(
    await outcome(nothingLeftCheck("all", figures(busy, busy, IDLE))),
    "ok: no flow, UDP port or buffered byte",
  );
  const kept = { ...IDLE, gauges: { udpAssociations: 1, dnsConnections: 2 }, dns: { queries: 1 } };
  assertEquals(
    await outcome(nothingLeftCheck("all", figures(kept))),
    "ok: no flow, UDP port or buffered byte, 1 association and 2 connections kept for names",
  );
});

Deno.test("what stays is a failure, at the end of the patience", async () => {
  const kept = { ...IDLE, gauges: { udpAssociations: 1, dnsConnections: 0, tcpFlows: 2 } };
  assertEquals(
    await outcome(nothingLeftCheck("all", figures(kept), 20)),
    "fail: still held: udpAssociations 1, tcpFlows 2",
  );
});

Deno.test("the proxy must have nothing open", async () => {
  const left = (connections: number) =>
    proxyLeftCheck(() => Promise.resolve({ connections, associations: 0 }));
  assertEquals(
    await outcome(left(0)),
    "ok: no connection and no association, after both tunnels",
  );
  assertEquals(await outcome(left(3)), "fail: still open: 3 connections, 0 associations");
});
