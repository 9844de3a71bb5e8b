import { assertEquals } from "@std/assert";
import { NftablesSocket } from "../../../ffi/nftables_linux.ts";
import { firewallTables } from "../../../src/host/firewall_tables.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";

rootTest("the firewall's tables are seen by name, also when there is none", () => {
  inNetNamespace(() => {
    assertEquals(firewallTables(), []);
    const socket = new NftablesSocket();
    socket.replaceTables([{ name: "ztun_strict_ztun0", counters: [], sets: [], chains: [] }]);
    socket.close();
    assertEquals(firewallTables(), ["ztun_strict_ztun0"]);
  });
});

if (Deno.uid() !== 0) {
  Deno.test("who may not see the firewall's tables sees none", () => {
    assertEquals(firewallTables(), []);
  });
}
