/** A tunnel with a kill switch died, and the next one cannot start: nothing leaves meanwhile either. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostE2e } from "../support/e2e.ts";
import { FAR_PROXY, PORT, WEB } from "../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../support/host_snapshot.ts";
import { Running } from "../support/process.ts";
import { nofile, ztun } from "../support/ztun.ts";

const UP = nofile(ztun("up", "--socks", `${FAR_PROXY}:${PORT}`, "--strict"));

for (const device of ["ztun0", "other0"]) {
  hostE2e(
    `a kill switch outlives the start of ${device} that fails`,
    "ztun socks",
    async ({ lab }) => {
      const { host } = lab;
      await lab.openInternet();
      const before = await snapshot(host);
      const proxy = await lab.farProxy();
      const first = lab.keep(new Running("the first ztun up", host.within(UP)));
      await first.logged(/is ready/);
      first.signal("SIGKILL");
      await first.ended;
      await proxy.kill();
      const { code, stderr } = await host.run([...UP, "--tun", device]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "The kill switch stays in force; `sudo ztun down` takes it");
      assertStringIncludes(stderr, `TCP does not get through the tunnel ${device}`);
      const ask = ["curl", "-sS", "--max-time", "20", `http://${WEB}/from`];
      assertStringIncludes((await host.run(ask)).stderr, "curl: (7)");
      await host.must(ztun("down"));
      await assertAsBefore(host, before);
      assertEquals(await host.must(ask), "10.1.0.2\n");
    },
  );
}
