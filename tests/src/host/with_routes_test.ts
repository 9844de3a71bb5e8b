import { assert, assertEquals, assertThrows } from "@std/assert";
import type { RouteSocket } from "../../../ffi/types.ts";
import { withRoutes } from "../../../src/host/with_routes.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";

Deno.test("with routes: the socket is closed when the function ends, and when it throws", () => {
  const done: string[] = [];
  const open = () => {
    done.push("open");
    return { close: () => void done.push("close") } as RouteSocket;
  };
  assertEquals(withRoutes(() => done.push("body"), open), 2);
  assertThrows(
    () =>
      withRoutes(() => {
        throw new RangeError("no");
      }, open),
    RangeError,
    "no",
  );
  assertEquals(done, ["open", "body", "close", "open", "close"]);
});

rootTest("with routes: it is of the network that this thread is in", () => {
  const links = inNetNamespace(() => withRoutes((socket) => socket.links()));
  assertEquals(links.map(({ name }) => name), ["lo"]);
  assert(withRoutes((socket) => socket.findLink("lo")) !== undefined);
});
