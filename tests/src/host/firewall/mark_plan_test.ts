import { assertEquals } from "@std/assert";
import { NftablesSocket } from "../../../../ffi/nftables_linux.ts";
import { parseAddress } from "../../../../src/addr/address.ts";
import { parsePrefix } from "../../../../src/addr/prefix.ts";
import { markPlan, type MarkSettings } from "../../../../src/host/firewall/mark_plan.ts";
import { NOBODY } from "../../../../src/host/firewall/senders.ts";
import { withCgroup } from "../../../support/cgroup.ts";
import {
  asUser,
  BOX,
  connects,
  type FirewallLab,
  inFirewallLab,
  inGroup,
  markOurselves,
  OURSELVES,
  ping,
  publishPort,
  routeIntoTunnel,
  tcp,
  TUNNEL,
  TUNNEL6,
  udp,
  UPLINK,
  UPLINK6,
  WEB,
  WEB6,
} from "../../../support/firewall_lab.ts";
import { inNetNamespace, runHere } from "../../../support/net_namespace.ts";
import { applyTables, assertSameAsNft } from "../../../support/nft.ts";
import { rootTest } from "../../../support/root.ts";

const MARK = 0x7a74;

const PLAIN: MarkSettings = {
  device: "ztun0",
  addresses: [TUNNEL, TUNNEL6].map((text) => parseAddress(text)!),
  mark: { value: MARK, mask: 0xffff_ffff },
  outside: NOBODY,
  inside: undefined,
  forwarded: { outside: [], inside: undefined },
  servedPorts: [],
  nameServers: [],
  sources: [],
  proxies: [],
  connectionMark: { value: 0x7a740000, mask: 0xffff_ffff },
  servedUdpPorts: [],
  clientPorts: { from: 32_768, to: 60_999 },
  internal: [],
};

const user = (uid: number) => ({ users: [{ from: uid, to: uid }], cgroups: [] });

/** The host's own reports to multicast routers come when they want to. */
function expectSeen(lab: FirewallLab, lines: readonly string[], seen: string[]): void {
  lab.forget();
  lab.sh(...lines);
  for (const packet of seen) lab.waitFor(packet);
  const packets = lab.seen().filter((packet) => !packet.endsWith("listener-report"));
  assertEquals(packets, seen.toSorted());
}

rootTest(
  "the marks are what nft makes of their text",
  () =>
    withCgroup((cgroup) =>
      inNetNamespace(() => {
        assertSameAsNft(markPlan(PLAIN));
        assertSameAsNft(markPlan({
          ...PLAIN,
          mark: { value: 0x100, mask: 0xff00 },
          outside: { users: [{ from: 7, to: 7 }, { from: 100, to: 200 }], cgroups: [cgroup] },
          inside: { users: [{ from: 8, to: 8 }], cgroups: [cgroup] },
          forwarded: { outside: ["virbr*", "lxc0", "lxc1"], inside: ["docker0", "br-*"] },
          servedPorts: [22, 443],
          nameServers: [WEB, WEB6].map((text) => parseAddress(text)!),
          internal: [parsePrefix("172.17.0.0/16")!, parsePrefix("fd99::/64")!],
        }));
      })
    ),
);

rootTest(
  "some users and control groups leave outside, with an address that is right there",
  () =>
    withCgroup((cgroup, directory) =>
      inFirewallLab((lab) => {
        routeIntoTunnel(String(MARK));
        const before = runHere("nft", "list", "ruleset");
        applyTables(markPlan({
          ...PLAIN,
          outside: {
            users: [{ from: 1000, to: 1000 }, { from: 2000, to: 2009 }],
            cgroups: [cgroup],
          },
        }));
        expectSeen(lab, [
          tcp(WEB, 80),
          tcp(WEB6, 80),
          asUser(999, udp(WEB, 81)),
          asUser(1000, tcp(WEB, 82)),
          asUser(1000, udp(WEB6, 83)),
          asUser(2005, udp(WEB, 84)),
          inGroup(directory, tcp(WEB6, 85)),
          inGroup(directory, udp(WEB, 86)),
          inGroup(directory, ping(WEB)),
        ], [
          `ztun0 ${TUNNEL} ${WEB} tcp 80`,
          `ztun0 ${TUNNEL6} ${WEB6} tcp 80`,
          `ztun0 ${TUNNEL} ${WEB} udp 81`,
          `uplink ${UPLINK} ${WEB} tcp 82`,
          `uplink ${UPLINK6} ${WEB6} udp 83`,
          `uplink ${UPLINK} ${WEB} udp 84`,
          `uplink ${UPLINK6} ${WEB6} tcp 85`,
          `uplink ${UPLINK} ${WEB} udp 86`,
          `uplink ${UPLINK} ${WEB} echo-request`,
        ]);
        const socket = new NftablesSocket();
        assertEquals(socket.deleteTable("ztun_mark_ztun0"), true);
        socket.close();
        assertEquals(runHere("nft", "list", "ruleset"), before);
      })
    ),
);

rootTest(
  "a connection that leaves outside is answered through a strict check of the way back",
  () =>
    inFirewallLab((lab) => {
      routeIntoTunnel(String(MARK));
      lab.sh(
        "sysctl -w net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.uplink.rp_filter=1",
        "sysctl -w net.ipv4.conf.all.src_valid_mark=1",
      );
      applyTables(markPlan({ ...PLAIN, outside: user(1000) }));
      markOurselves(String(MARK));
      assertEquals(/refused/.test(lab.sh(asUser(1000, tcp(WEB, 82)))), true);
      assertEquals(/refused/.test(lab.sh(asUser(OURSELVES, tcp(WEB, 82)))), true);
    }),
);

rootTest("only some users go into the tunnel", () =>
  inFirewallLab((lab) => {
    routeIntoTunnel(String(MARK));
    // The proxy runs as a user who would go into the tunnel, but for being the proxy.
    const outside = { users: [{ from: 1001, to: 1001 }], cgroups: [] };
    const inside = { users: [{ from: 1000, to: 1005 }], cgroups: [] };
    applyTables(markPlan({ ...PLAIN, outside, inside }));
    expectSeen(lab, [
      asUser(1000, tcp(WEB, 80)),
      asUser(1005, udp(WEB6, 81)),
      asUser(1001, udp(WEB, 82)),
      asUser(1006, udp(WEB, 83)),
      tcp(WEB6, 84),
    ], [
      `ztun0 ${TUNNEL} ${WEB} tcp 80`,
      `ztun0 ${TUNNEL6} ${WEB6} udp 81`,
      `uplink ${UPLINK} ${WEB} udp 82`,
      `uplink ${UPLINK} ${WEB} udp 83`,
      `uplink ${UPLINK6} ${WEB6} tcp 84`,
    ]);
  }));

rootTest("two tunnels with bits of their own each have their user", () =>
  inFirewallLab((lab) => {
    routeIntoTunnel("0x100/0x100");
    const tables = [
      markPlan({
        ...PLAIN,
        mark: { value: 0x100, mask: 0x100 },
        connectionMark: { value: 0x100, mask: 0x100 },
        inside: user(1000),
      }),
      markPlan({
        ...PLAIN,
        device: "docker0",
        addresses: [parseAddress("172.17.0.1")!],
        mark: { value: 0x200, mask: 0x200 },
        connectionMark: { value: 0x200, mask: 0x200 },
        inside: user(7),
      }),
    ];
    applyTables(...tables);
    // The other device stands for the other tunnel, from which nothing comes out.
    lab.sh(
      "ip route add default dev docker0 table 6500",
      "ip rule add priority 6500 not fwmark 0x200/0x200 lookup 6500",
    );
    expectSeen(lab, [asUser(7, udp(WEB, 9)), asUser(1000, udp(WEB, 10)), udp(WEB, 11)], [
      `ztun0 ${TUNNEL} ${WEB} udp 10`,
      `uplink ${UPLINK} ${WEB} udp 11`,
    ]);
  }));

rootTest(
  "who comes in from outside is answered there, whichever program it is",
  () =>
    inFirewallLab((lab) => {
      routeIntoTunnel(String(MARK));
      const listeners = [UPLINK, UPLINK6].map((hostname) => Deno.listen({ hostname, port: 2222 }));
      const answered = (seconds = 10) =>
        [UPLINK, UPLINK6].map((address) =>
          lab.far(connects(address, 2222, seconds)).includes("connected")
        );
      try {
        assertEquals(answered(1), [false, false]);
        applyTables(markPlan(PLAIN));
        assertEquals(answered(), [true, true]);
        assertEquals(lab.far(ping(UPLINK)).includes("1 received"), true);
        // The same with only some users' packets in the tunnel, ours among them.
        applyTables(markPlan({ ...PLAIN, inside: user(0) }));
        assertEquals(answered(), [true, true]);
      } finally {
        for (const listener of listeners) listener.close();
      }
    }),
);

rootTest(
  "containers go into the tunnel, and their published ports are answered outside",
  () =>
    inFirewallLab((lab) => {
      publishPort();
      routeIntoTunnel(String(MARK));
      applyTables(markPlan(PLAIN));
      lab.forget();
      lab.box(tcp(WEB, 80));
      lab.waitFor(`ztun0 ${TUNNEL} ${WEB} tcp 80`);
      // Nobody listens in the container: its refusal is the answer.
      assertEquals(/refused/.test(lab.far(tcp(UPLINK, 8080))), true);
      assertEquals(lab.sh(ping(BOX)).includes("1 received"), true);
      assertEquals(lab.box(ping("172.17.0.1")).includes("1 received"), true);
    }),
);

rootTest("forwarded packets go by the interface that they came from", () =>
  inFirewallLab((lab) => {
    publishPort();
    routeIntoTunnel(String(MARK));
    const send = (forwarded: MarkSettings["forwarded"], port: number) => {
      applyTables(markPlan({ ...PLAIN, forwarded }));
      lab.forget();
      lab.box(udp(WEB, port));
    };
    const outside = (port: number) => lab.waitFor(`uplink ${UPLINK} ${WEB} udp ${port}`);
    const inside = (port: number) => lab.waitFor(`ztun0 ${TUNNEL} ${WEB} udp ${port}`);
    send({ outside: ["docker0"], inside: undefined }, 80);
    outside(80);
    send({ outside: ["dock*"], inside: undefined }, 81);
    outside(81);
    send({ outside: ["other"], inside: undefined }, 82);
    inside(82);
    send({ outside: [], inside: ["docker*"] }, 83);
    inside(83);
    send({ outside: [], inside: ["br-1"] }, 84);
    outside(84);
  }));

rootTest(
  "segments of forwarded connections are as small as the tunnel needs",
  () =>
    inFirewallLab((lab) => {
      publishPort();
      routeIntoTunnel(String(MARK));
      lab.sh("ip link set ztun0 mtu 1300");
      lab.far(
        "nft add set inet judge sizes '{ type inet_service; size 16; flags dynamic; }'",
        "nft insert rule inet judge arrive tcp flags syn add @sizes { tcp option maxseg size }",
      );
      const sizes = () => lab.far("nft list set inet judge sizes").match(/elements = .*/)?.[0];
      lab.box(tcp(WEB, 80));
      lab.waitFor(`ztun0 ${TUNNEL} ${WEB} tcp 80`);
      assertEquals(sizes(), "elements = { 1460 }");
      applyTables(markPlan(PLAIN));
      lab.far("nft flush set inet judge sizes");
      lab.box(tcp(WEB, 81));
      lab.waitFor(`ztun0 ${TUNNEL} ${WEB} tcp 81`);
      assertEquals(sizes(), "elements = { 1260 }");
    }),
);

rootTest(
  "a served connection that is older than the firewall goes on",
  () =>
    inFirewallLab((lab) => {
      const folder = Deno.makeTempDirSync();
      const [say, heard, pids] = ["say", "heard", "pids"].map((name) => `${folder}/${name}`);
      const established = `ss -Htn state established sport = 2222`;
      try {
        lab.sh(
          `mkfifo ${say}`,
          `timeout 60 nc.openbsd -l ${UPLINK} 2222 <> ${say} > /dev/null 2>&1 & echo $! >> ${pids}`,
          `until ss -Htln sport = 2222 | grep -q .; do sleep 0.01; done`,
        );
        lab.far(`timeout 60 nc.openbsd -d ${UPLINK} 2222 > ${heard} 2>&1 & echo $! >> ${pids}`);
        lab.sh(`until ${established} | grep -q .; do sleep 0.01; done`);
        routeIntoTunnel(String(MARK));
        applyTables(markPlan({ ...PLAIN, servedPorts: [2222] }));
        lab.sh(
          `echo late > ${say}`,
          `timeout 20 bash -c 'until grep late ${heard}; do sleep 0.01; done'`,
        );
        assertEquals(Deno.readTextFileSync(heard!), "late\n");
      } finally {
        lab.sh(`kill $(cat ${pids})`);
        Deno.removeSync(folder, { recursive: true });
      }
    }),
);

rootTest(
  "questions to a server of the LAN go to one that the tunnel reaches",
  () =>
    inFirewallLab((lab) => {
      routeIntoTunnel(String(MARK));
      // As the rules of a capture do, before those that leave the LAN alone.
      runHere("sh", "-ec", `ip rule add priority 6998 fwmark ${MARK} lookup main`);
      runHere("sh", "-ec", "ip rule add priority 6999 ipproto udp dport 53 lookup 7000");
      applyTables(markPlan({
        ...PLAIN,
        outside: user(1000),
        nameServers: [parseAddress(WEB)!],
        internal: [parsePrefix("172.17.0.0/16")!],
      }));
      lab.forget();
      lab.sh(udp("10.1.0.1", 53), udp("203.0.113.77", 53), udp("10.1.0.1", 54));
      lab.sh(asUser(1000, udp("10.1.0.1", 53)));
      lab.box(udp("10.1.0.1", 53));
      const seen = [
        `ztun0 ${TUNNEL} ${WEB} udp 53`,
        `ztun0 ${TUNNEL} 203.0.113.77 udp 53`,
        `uplink ${UPLINK} 10.1.0.1 udp 54`,
        `uplink ${UPLINK} 10.1.0.1 udp 53`,
        `ztun0 ${BOX} ${WEB} udp 53`,
      ];
      for (const packet of seen) lab.waitFor(packet);
      assertEquals(lab.seen().filter((packet) => packet.endsWith(" 10.1.0.1 udp 53")), [seen[3]!]);
    }),
);
