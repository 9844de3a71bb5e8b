/** The unit of `ztun service` takes rights away from root: what is left must do for all that `up` does. */

import { assertEquals } from "@std/assert";
import { unitText } from "../../src/host/service/unit.ts";
import { must } from "../support/process.ts";
import { rootTest } from "../support/root.ts";
import { program } from "../support/ztun.ts";

/** As `setpriv` names them. */
function capabilities(): string[] {
  const unit = unitText({
    program: { words: ["/usr/bin/ztun"], environment: {} },
    flags: [],
    graceMs: 0,
    strict: false,
  });
  const [, names] = /^CapabilityBoundingSet=(.*)$/m.exec(unit)!;
  return names!.split(" ").map((name) => name.slice("CAP_".length).toLowerCase());
}

/** In namespaces of its own, with another user's proxy, which ends with the program. */
function run(rights: readonly string[]): Promise<string> {
  const proxy = "setpriv --reuid=65534 --regid=65534 --clear-groups nc.openbsd -lk 127.0.0.1 1080";
  const set = ["-all", ...rights.map((right) => `+${right}`)].join(",");
  return must([
    ...["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"],
    ...["sh", "-c", `ip link set lo up; ${proxy} & exec "$@"`, "sh"],
    ...["setpriv", `--bounding-set=${set}`, "--no-new-privs", "--"],
    ...program("service_rights.ts"),
  ]);
}

rootTest("what the service may do is enough for what up does", async () => {
  const done = "device\nrule\nfirewall\nsetting\nproxy\nsocket\ncgroup\nmark\nfile\n";
  assertEquals(await run(capabilities()), done);
});
