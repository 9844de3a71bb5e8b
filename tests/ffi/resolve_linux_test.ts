import { assert, assertEquals, assertRejects } from "@std/assert";
import { formatAddress } from "../../src/addr/address.ts";
import { resolveHost } from "../../ffi/resolve_linux.ts";
import { run } from "../support/process.ts";
import { rootTest } from "../support/root.ts";
import { denoRun } from "../support/ztun.ts";

async function addressesOf(name: string): Promise<string[]> {
  return (await resolveHost(name)).map(formatAddress);
}

Deno.test("this host knows itself", async () => {
  const addresses = await addressesOf("localhost");
  assert(addresses.includes("127.0.0.1") || addresses.includes("::1"), `${addresses}`);
  // One for each address, not one for each kind of socket.
  assertEquals(new Set(addresses).size, addresses.length);
});

Deno.test("an address is its own name", async () => {
  assertEquals(await addressesOf("192.0.2.7"), ["192.0.2.7"]);
  assertEquals(await addressesOf("2001:db8::9"), ["2001:db8::9"]);
});

Deno.test("what is no name is an error that says so", async () => {
  await assertRejects(
    () => resolveHost("nobody..lab"),
    Error,
    "The name nobody..lab cannot be resolved (",
  );
});

Deno.test("many at once do not get each other's answers", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `192.0.2.${i}`);
  assertEquals(await Promise.all(names.map(addressesOf)), names.map((name) => [name]));
});

rootTest("what /etc/hosts says, both families, counts before any server", async () => {
  const directory = await Deno.makeTempDir({ prefix: "ztun-resolve-" });
  const hosts = `${directory}/hosts`;
  await Deno.writeTextFile(hosts, "192.0.2.80 proxy.lab\n2001:db8::80 proxy.lab\n");
  const program = new URL("../support/print_addresses.ts", import.meta.url).pathname;
  try {
    const script = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
    const { code, stdout, stderr } = await run([
      ...["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"],
      ...denoRun(program, "proxy.lab"),
    ]);
    assertEquals([code, stdout.split(" ").sort()], [0, ["192.0.2.80", "2001:db8::80"]], stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
