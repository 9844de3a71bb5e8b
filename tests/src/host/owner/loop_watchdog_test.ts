import { assertEquals } from "@std/assert";
import type { InetSocket } from "../../../../ffi/sock_diag_linux.ts";
import { parseAddress } from "../../../../src/addr/address.ts";
import { type FlowSample, LoopWatchdog } from "../../../../src/host/owner/loop_watchdog.ts";
import { process } from "../../../support/processes.ts";

const proxy = process(10, { name: "microsocks" });

function flow(port: number): FlowSample {
  return {
    protocol: "tcp",
    source: { address: parseAddress("198.18.0.1")!, port },
    destination: { address: parseAddress("2001:db8::1")!, port: 443 },
  };
}

/** The socket of a flow has its source port for an inode; 7 is the proxy's, below 5 there is none. */
function watchdog(): LoopWatchdog {
  const socketOf = ({ source: { port: inode }, ...rest }: FlowSample): InetSocket | undefined => {
    if (inode < 5) return undefined;
    const socket = {
      state: 1,
      link: 0,
      uid: 0,
      cgroup: 1,
      mark: 0,
      inode: inode === 6 ? 0 : inode,
    };
    return {
      ...socket,
      protocol: rest.protocol,
      local: rest.destination,
      remote: rest.destination,
    };
  };
  const ownerOf = (inode: number) => inode === 7 || inode === 0 ? proxy : undefined;
  return new LoopWatchdog({ socketOf, ownerOf, intervalMs: 1000 });
}

Deno.test("the proxy's own flow is told, with process, pid and destination", () => {
  const report = watchdog().look(flow(7), 5000);
  assertEquals(report?.process, proxy);
  assertEquals(
    report?.message,
    "The proxy's own traffic runs in a circle: microsocks (pid 10) sent to [2001:db8::1]:443 " +
      "through the tunnel",
  );
});

Deno.test("flows of others, forwarded ones and closed sockets are no loop", () => {
  for (const port of [4, 6, 8]) assertEquals(watchdog().look(flow(port), 5000), undefined);
});

Deno.test("it looks once in an interval, and says the same thing once", () => {
  const dog = watchdog();
  assertEquals(dog.look(flow(8), 5000), undefined);
  assertEquals(dog.isDue(5999), false);
  assertEquals(dog.look(flow(7), 5999), undefined);
  assertEquals(dog.look(flow(7), 6000) === undefined, false);
  assertEquals(dog.look(flow(7), 7000), undefined);
});
