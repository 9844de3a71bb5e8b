/** On a whole host that is made for it, with files and control groups of its own. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { CaptureSettings } from "../../../src/config/settings.ts";
import { FAR_PROXY, HostLab, RESOLVER, RESOLVER6 } from "../../support/host_lab.ts";
import { assertAsBefore, snapshot } from "../../support/host_snapshot.ts";
import { rootTest } from "../../support/root.ts";
import { denoRun } from "../../support/ztun.ts";

const PROGRAM = new URL("../../support/capture_program.ts", import.meta.url).pathname;

interface Asked {
  capture?: Partial<CaptureSettings>;
  proxy?: string;
  dry?: boolean;
  meanwhile?: string;
  after?: string;
}

/** What the program says; `message` and `hint` when it failed. */
interface Told {
  commands: string[];
  routing: { table: number };
  nameServers: string[];
  upstreams: string[];
  meanwhile: string;
  after: string;
  failed: unknown[];
  altered: string[];
  warnings: string[];
  message?: string;
  hint?: string;
}

/** A lab whose host has the device, and what it was like before. */
async function onHost(
  body: (lab: HostLab, ask: (asked: Asked) => Promise<Told>) => Promise<void>,
): Promise<void> {
  await using lab = await HostLab.create();
  await lab.host.ip(
    "tuntap add dev ztun0 mode tun",
    "addr add 198.18.0.1/32 dev ztun0",
    "link set ztun0 up",
  );
  const before = await snapshot(lab.host);
  await body(lab, async ({ proxy = FAR_PROXY, meanwhile = "", after = "", ...rest }) => {
    const command = denoRun(PROGRAM, JSON.stringify({ proxy, ...rest }));
    const env = { MEANWHILE: meanwhile, AFTER: after };
    return JSON.parse(await lab.host.must(command, { env }));
  });
  await assertAsBefore(lab.host, before);
}

const WAYS = "ip route get 192.0.2.99; ip route get 192.0.2.99 mark 0x7a74; cat /etc/resolv.conf";

rootTest(
  "begin capture: a host is captured, follows its network, and is given back",
  () =>
    onHost(async (lab, ask) => {
      const container = "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; " +
        "ip link set docker0 up";
      const found = await ask({
        capture: { strict: true, exceptUsers: ["7"] },
        meanwhile: `${WAYS}; ls /var/lib/ztun; nft list tables; ${container}`,
        after: "ip rule; nft list ruleset; ip link del docker0",
      });
      const { commands, routing, nameServers, upstreams, meanwhile, after } = found;
      assertEquals([nameServers, upstreams], [[RESOLVER, RESOLVER6], [RESOLVER, RESOLVER6]]);
      const [inside, outside] = meanwhile.split("\n").filter((line) => line.includes("192.0.2.99"));
      assertStringIncludes(inside!, "dev ztun0");
      assertStringIncludes(outside!, "dev uplink");
      for (const part of [".journal", "ztun_mark_ztun0", "ztun_strict_ztun0"]) {
        assertStringIncludes(meanwhile, part);
      }
      assertStringIncludes(after, "to 172.17.0.0/16 lookup main");
      assertStringIncludes(after, '"docker0"');
      assertStringIncludes(after, "uidrange 7-7");
      assert(commands.some((command) => command.includes(`table ${routing.table}`)));
      assertEquals([found.failed, found.altered, found.warnings], [[], [], []]);
      await lab.host.must(["sh", "-c", "! ls /var/lib/ztun/*"]);
    }),
);

rootTest(
  "begin capture: nothing is left of one that fails, nor of a dry run",
  () =>
    onHost(async ({ host }, ask) => {
      const before = await snapshot(host);
      const dry = await ask({ dry: true, capture: { strict: true } });
      assert(dry.commands.length > 10);
      await assertAsBefore(host, before);
      assertEquals(await ask({ capture: { interface: "eth7" } }), {
        message: 'There is no interface "eth7"',
        hint: "`ip -br link` shows those that there are",
        warnings: [],
      });
      const taken = await ask({ capture: { table: 254 } });
      assertStringIncludes(taken.hint!, "ip route show table 254");
    }),
);
