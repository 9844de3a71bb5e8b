import { assertEquals } from "@std/assert";
import { cgroupMount, cgroupPath, findCgroup } from "../../../../src/host/firewall/cgroup.ts";
import { withCgroup } from "../../../support/cgroup.ts";
import { rootTest } from "../../../support/root.ts";

const HYBRID = `tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
`;

Deno.test("the hierarchy is where the system mounted it", () => {
  assertEquals(cgroupMount(HYBRID), "/sys/fs/cgroup/unified");
  assertEquals(cgroupMount("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"), "/sys/fs/cgroup");
  assertEquals(cgroupMount("none /mnt/my\\040groups cgroup2 rw 0 0\n"), "/mnt/my groups");
  assertEquals(cgroupMount("tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"), undefined);
});

Deno.test("a process's group is the one of version 2", () => {
  const text = "9:name=systemd:/user\n0::/system.slice/ssh.service\n";
  assertEquals(cgroupPath(text), "system.slice/ssh.service");
  assertEquals(cgroupPath("0::/\n"), "");
  assertEquals(cgroupPath("4:memory:/a\n"), undefined);
});

rootTest(
  "a group is found by its path; the root, and what is not there, are none",
  () =>
    withCgroup((cgroup, directory) => {
      assertEquals(cgroup.level, 2);
      assertEquals(cgroup.id, Deno.statSync(directory).ino);
      assertEquals(findCgroup(`/${cgroup.path}/`)?.path, cgroup.path);
      assertEquals(findCgroup(`${cgroup.path}/absent`), undefined);
      assertEquals(findCgroup(`${cgroup.path}/cgroup.procs`), undefined);
      assertEquals(findCgroup("/"), undefined);
      assertEquals(findCgroup("../etc"), undefined);
      assertEquals(findCgroup(cgroup.path, ""), undefined);
    }),
);
