import { assertEquals } from "@std/assert";
import { judgeHolders, proxyProcesses } from "../../../../src/host/owner/find_owner.ts";
import type { ProcessInfo } from "../../../../src/host/owner/process_table.ts";
import { process } from "../../../support/processes.ts";

function judge(holders: readonly ProcessInfo[], here: readonly number[], command: string[] = []) {
  return judgeHolders(holders, ({ pid }) => here.includes(pid), () => command);
}

Deno.test("all who hold the socket here are the proxy", () => {
  const holders = [process(10), process(11), process(12)];
  assertEquals(judge(holders, [10, 11]), holders.slice(0, 2));
});

Deno.test("nobody to be seen, or everybody in another network, are answers of their own", () => {
  assertEquals(judge([], []), "hidden");
  assertEquals(judge([process(10)], []), { kind: "elsewhere", holders: [process(10)] });
});

Deno.test("the relay of a container's port is not the proxy; it tells the container's address", () => {
  const relay = process(10, { name: "docker-proxy" });
  const command = ["docker-proxy", "-proto", "tcp", "-container-ip", "172.17.0.2"];
  assertEquals(judge([relay], [10], command), { kind: "container", relay, address: "172.17.0.2" });
  const rootless = process(10, { name: "rootlessport" });
  assertEquals(judge([rootless], [10]), {
    kind: "container",
    relay: rootless,
    address: undefined,
  });
});

Deno.test("a service manager that shares the socket is not the proxy; alone it waits for it", () => {
  const first = process(1, { name: "systemd" });
  const user = process(9, { name: "systemd" });
  assertEquals(judge([first, user, process(10)], [1, 9, 10]), [process(10)]);
  assertEquals(judge([first], [1]), { kind: "waiting", manager: first });
});

Deno.test("shells below the proxy are people's, and what leads to ourselves is ours", () => {
  const all = [
    process(10),
    process(11, { parent: 10 }),
    process(12, { parent: 10, leadsTerminal: true }),
    process(13, { parent: 12 }),
    process(14, { parent: 10 }),
    process(15, { parent: 14, name: "ztun" }),
  ];
  const found = proxyProcesses(all, [all[0]!], 15).map(({ pid }) => pid);
  assertEquals(found, [10, 11]);
});
