import { assertEquals, assertStringIncludes } from "@std/assert";
import { SockDiag } from "../../../ffi/sock_diag_linux.ts";
import { flowJudge } from "../../../src/capture/flow_judge.ts";
import type { FlowSample } from "../../../src/engine/flow_sample.ts";
import { readProcess } from "../../../src/host/owner/process_table.ts";
import { address } from "../../support/route_rig.ts";

const LOOPBACK = address("127.0.0.1");

Deno.test("flow judge: a proxy on another host cannot run in a circle", () => {
  const end = { address: LOOPBACK, port: 1 };
  assertEquals(
    flowJudge(undefined)({ protocol: "tcp", source: end, destination: end }, 0),
    undefined,
  );
});

Deno.test("flow judge: a flow of the proxy's own is one, seldom asked; others' are not", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using _server = await listener.accept();
  const flow: FlowSample = {
    protocol: "tcp",
    source: { address: LOOPBACK, port: (client.localAddr as Deno.NetAddr).port },
    destination: { address: LOOPBACK, port: listener.addr.port },
  };
  const diag = new SockDiag();
  try {
    // This process is the proxy.
    const judge = flowJudge({ diag, processes: () => [readProcess(Deno.pid)!] });
    const message = judge(flow, 10_000)!.message;
    assertStringIncludes(message, "The proxy's own traffic runs in a circle: ");
    assertStringIncludes(message, `(pid ${Deno.pid}) sent to 127.0.0.1:${listener.addr.port} `);
    let asked = 0;
    const others = flowJudge({
      diag,
      processes() {
        asked++;
        return [];
      },
    });
    for (let now = 10_000; now < 15_000; now += 100) assertEquals(others(flow, now), undefined);
    assertEquals(asked, 1);
    others(flow, 15_000);
    assertEquals(asked, 2);
  } finally {
    diag.close();
  }
});
