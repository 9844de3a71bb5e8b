import { assert, assertEquals } from "@std/assert";
import { EventFd, signalEventFd } from "../../ffi/event_fd_linux.ts";
import { Poller } from "../../ffi/poller_linux.ts";
import { descriptorInfo, descriptorsWith } from "../support/descriptors.ts";

Deno.test("signals are counted until they are drained, whoever signals", () => {
  const event = new EventFd();
  assertEquals(event.drain(), 0);
  event.signal();
  signalEventFd(event.fd);
  event.signal();
  assertEquals(event.drain(), 3);
  assertEquals(event.drain(), 0);
  event.close();
});

Deno.test("it is readable while it was signalled and not drained", () => {
  const event = new EventFd();
  const poller = new Poller();
  poller.add(event.fd);
  assertEquals(poller.ready(), 0);
  event.signal();
  assertEquals([poller.ready(), poller.readyAt(0)], [1, event.fd]);
  event.drain();
  assertEquals(poller.ready(), 0);
  poller.close();
  event.close();
});

Deno.test("closing closes it", () => {
  const event = new EventFd();
  const [identity] = /^eventfd-id: \d+$/m.exec(descriptorInfo(event.fd)) ?? [];
  assert(identity !== undefined);
  const same = new RegExp(`^${identity}$`, "m");
  assertEquals(descriptorsWith(same), [event.fd]);
  event.close();
  assertEquals(descriptorsWith(same), []);
});
