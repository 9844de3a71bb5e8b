import { assertEquals } from "@std/assert";
import { ListenerWatch } from "../../../../src/host/owner/listener_watch.ts";

class Rig {
  inode = 7;
  alive = true;
  looks = 0;
  readonly watch = new ListenerWatch({
    lookUp: () => {
      this.looks++;
      return this.inode;
    },
    intervalMs: 250,
    alive: () => this.alive,
  });

  constructor() {
    this.watch.follow([7, 8], [{ pid: 10, startTime: 1 }], 1000);
  }
}

Deno.test("a look costs nothing before it is due, and finds what was there", () => {
  const rig = new Rig();
  assertEquals(rig.watch.tick(1249), "same");
  assertEquals(rig.looks, 0);
  assertEquals(rig.watch.tick(1250), "same");
  assertEquals([rig.looks, rig.watch.nextLook], [1, 1500]);
});

Deno.test("a connection that failed makes it look at once", () => {
  const rig = new Rig();
  rig.inode = 9;
  rig.watch.connectFailed(1001);
  assertEquals(rig.watch.tick(1001), "changed");
});

Deno.test("another of the sockets that share the port is no change", () => {
  const rig = new Rig();
  rig.inode = 8;
  assertEquals(rig.watch.tick(1250), "same");
});

Deno.test("the same socket in other hands is a change, until it is followed", () => {
  const rig = new Rig();
  rig.alive = false;
  assertEquals(rig.watch.tick(1250), "changed");
  assertEquals(rig.watch.tick(1500), "changed");
  rig.alive = true;
  rig.watch.follow([7], [{ pid: 11, startTime: 2 }], 1500);
  assertEquals(rig.watch.tick(1750), "same");
});

Deno.test("that nobody listens is told once; who comes next is a change, even by the same number", () => {
  const rig = new Rig();
  rig.inode = 0;
  assertEquals(rig.watch.tick(1250), "gone");
  assertEquals(rig.watch.tick(1500), "same");
  rig.inode = 7;
  assertEquals(rig.watch.tick(1750), "changed");
});
