import { assertEquals } from "@std/assert";
import { internalInterfaces, readHostFacts } from "../../../src/capture/host_facts.ts";
import { withRoutes } from "../../../src/host/with_routes.ts";
import { FakeKernel, link, route } from "../../support/fake_kernel.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { address, ip, prefix } from "../../support/route_rig.ts";

/** A host with a bridge `br0` (10), with an address, of these parts. */
function bridged(...parts: string[]): FakeKernel {
  const kernel = new FakeKernel();
  kernel.links.push(link(10, "br0", "bridge"));
  parts.forEach((kind, index) => kernel.links.push(link(11 + index, `part${index}`, kind, 10)));
  kernel.addresses = [{ link: 10, prefix: prefix("172.17.0.1/16") }];
  return kernel;
}

const internal = (kernel: FakeKernel) => kernel.withRoutes(internalInterfaces);
const FOUND = { names: ["br0"], networks: ["172.17.0.0/16"] };
const NONE = { names: [], networks: [] };

Deno.test("host facts: a bridge of containers and virtual machines is internal", () => {
  assertEquals(internal(bridged()), FOUND);
  assertEquals(internal(bridged("veth", "veth", "tun", "dummy")), FOUND);
});

Deno.test("host facts: a bridge with a part that may lead out is not", () => {
  for (const kind of ["", "vlan", "bond", "vxlan", "gretap", "something-new"]) {
    assertEquals(internal(bridged("veth", kind)), NONE, kind);
  }
});

Deno.test("host facts: nor is one by which the host leaves, alone or with others", () => {
  const kernel = bridged("veth");
  kernel.routes.push(route("0.0.0.0/0 via 172.17.0.254", 10));
  assertEquals(internal(kernel), NONE);
  const shared = bridged("veth");
  const { link: _, ...both } = route("::/0", 0, { hops: [{ link: 2 }, { link: 10 }] });
  shared.routes.push(both);
  assertEquals(internal(shared), NONE);
  shared.routes = [{ ...both, table: 900 }];
  assertEquals(internal(shared), FOUND);
});

Deno.test("host facts: networks are named once, and those of the link alone not", () => {
  const kernel = bridged("veth");
  kernel.addresses.push(
    { link: 10, prefix: prefix("172.17.0.2/16") },
    { link: 10, prefix: prefix("fd17::1/64") },
    { link: 10, prefix: prefix("fe80::1/64"), scope: "link" },
    { link: 2, prefix: prefix("192.0.2.1/24") },
  );
  assertEquals(internal(kernel).networks, ["172.17.0.0/16", "fd17::/64"]);
});

Deno.test("host facts: what the device carries, what the kernel knows, and tables in use", () => {
  const kernel = new FakeKernel();
  kernel.routes.push(route("192.0.2.0/24", 2), { ...route("192.0.2.0/24", 2), table: 77 });
  kernel.rules.push({ family: 6, priority: 5, table: 88 }, { family: 4, priority: 6 });
  const facts = (hasIpv6: boolean, ...addresses: string[]) =>
    kernel.withRoutes((socket) => readHostFacts(socket, addresses.map(address), hasIpv6));
  const both = facts(true, "198.18.0.1", "fd7a::1");
  assertEquals([both.families, [...both.carried]], [[4, 6], [4, 6]]);
  assertEquals([...both.usedTables].toSorted(), [254, 77, 88]);
  assertEquals(both.rules, kernel.rules);
  const one = facts(false, "198.18.0.1");
  assertEquals([one.families, [...one.carried]], [[4], [4]]);
});

rootTest(
  "host facts: the kernel's own bridges, with parts and as the way out",
  () =>
    inNetNamespace(() => {
      ip(
        "link add docker0 type bridge",
        "link add veth0 type veth peer name inside",
        "link set veth0 master docker0",
        "address add 172.17.0.1/16 dev docker0",
        "link set docker0 up",
        "link add br1 type bridge",
        "address add 10.7.0.2/24 dev br1",
        "link set br1 up",
        "route add default via 10.7.0.1",
      );
      assertEquals(withRoutes(internalInterfaces), {
        names: ["docker0"],
        networks: ["172.17.0.0/16"],
      });
      const facts = withRoutes((socket) => readHostFacts(socket, [], true));
      assertEquals([...facts.usedTables].includes(254), true);
      assertEquals(facts.rules.some(({ table }) => table === 254), true);
    }),
);
