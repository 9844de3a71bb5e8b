import { assertEquals } from "@std/assert";
import { cgroup2Of, isWithin } from "../../../../src/host/owner/cgroup_mount.ts";

Deno.test("cgroup v2 is found alone, beside version 1, read-only, or not at all", () => {
  const alone = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
  assertEquals(cgroup2Of(alone), { mount: "/sys/fs/cgroup", writable: true });
  const beside =
    "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n" +
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
  assertEquals(cgroup2Of(beside), { mount: "/sys/fs/cgroup/unified", writable: true });
  const container = "cgroup /sys/fs/cgroup cgroup2 ro,nosuid 0 0\n";
  assertEquals(cgroup2Of(container), { mount: "/sys/fs/cgroup", writable: false });
  assertEquals(cgroup2Of("proc /proc proc rw 0 0\n"), undefined);
});

Deno.test("the usual place goes before others; blanks are written in octal", () => {
  const other = "none /run/my\\040cgroups cgroup2 rw 0 0\n";
  assertEquals(cgroup2Of(other)?.mount, "/run/my cgroups");
  assertEquals(cgroup2Of(`${other}none /sys/fs/cgroup cgroup2 rw 0 0\n`)?.mount, "/sys/fs/cgroup");
});

Deno.test("a cgroup is within itself, what is above it, and the root", () => {
  assertEquals(isWithin("/a/b", "/a/b"), true);
  assertEquals(isWithin("/a/b", "/a"), true);
  assertEquals(isWithin("/a/b", "/"), true);
  assertEquals(isWithin("/a/bc", "/a/b"), false);
  assertEquals(isWithin("", "/a"), false);
});
