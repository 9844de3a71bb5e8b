import { assertEquals } from "@std/assert";
import { NftablesSocket } from "../../../../ffi/nftables_linux.ts";
import { parseAddress } from "../../../../src/addr/address.ts";
import { parsePrefix } from "../../../../src/addr/prefix.ts";
import { compileTable } from "../../../../src/host/firewall/compile.ts";
import {
  killSwitchPlan,
  type KillSwitchSettings,
} from "../../../../src/host/firewall/kill_switch_plan.ts";
import { markPlan, type MarkSettings } from "../../../../src/host/firewall/mark_plan.ts";
import { NOBODY } from "../../../../src/host/firewall/senders.ts";
import { encodeTable } from "../../../support/firewall_and_die.ts";
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
  PROXY,
  PROXY6,
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
import { applyTables, assertSameAsNft, countedPackets, nftFile } from "../../../support/nft.ts";
import { rootTest } from "../../../support/root.ts";
import { withCgroup } from "../../../support/cgroup.ts";

const MARK = 0x7a74;
const TABLE = "ztun_strict_ztun0";

const PLAIN: KillSwitchSettings = {
  device: "ztun0",
  mark: { value: MARK, mask: 0xffff_ffff },
  connectionMark: { value: 0x7a740000, mask: 0xffff_ffff },
  proxies: [],
  relays: [],
  outside: NOBODY,
  proxyHere: false,
  sources: [],
  onlySome: false,
  forwarded: { outside: [], inside: undefined },
  internal: [],
  lan: [],
  incoming: false,
  servedPorts: [],
};

const MARKING: MarkSettings = {
  device: "ztun0",
  addresses: [TUNNEL, TUNNEL6].map((text) => parseAddress(text)!),
  mark: PLAIN.mark,
  outside: NOBODY,
  inside: undefined,
  forwarded: PLAIN.forwarded,
  servedPorts: [],
  nameServers: [],
  sources: [],
  proxies: [],
  connectionMark: PLAIN.connectionMark,
  servedUdpPorts: [],
  clientPorts: { from: 32_768, to: 60_999 },
  internal: [],
};

const FAR_PROXY: KillSwitchSettings = {
  ...PLAIN,
  proxies: [PROXY, PROXY6].map((text) => ({ address: parseAddress(text)!, port: 1080 })),
};

const ours = (line: string) => asUser(OURSELVES, line);

/** A datagram from one port to another. */
const fromPort = (from: number, to: string, port: number) =>
  `echo x | nc.openbsd -u -w 1 -p ${from} ${to} ${port}`;

/** Everything that must never be seen outside. */
const LEAKS = [
  tcp(WEB, 80),
  tcp(WEB6, 80),
  udp(WEB, 443),
  udp(WEB6, 443),
  udp(WEB, 53),
  udp(WEB6, 53),
  tcp(WEB, 53),
  udp("10.1.0.1", 53),
  udp("10.1.0.1", 9),
  udp("fd01::1", 9),
  ping(WEB, 0.2),
  ping(WEB6, 0.2),
  "ping -n -c 1 -W 0.2 -I uplink ff02::1",
  "ping -n -c 1 -W 0.2 -I uplink ff02::fb",
  "ping -n -b -c 1 -W 0.2 10.1.0.255",
  "echo x | socat -u - UDP-DATAGRAM:224.0.0.251:5353,ip-multicast-if=10.1.0.2",
];

const apply = (settings: KillSwitchSettings) => applyTables(killSwitchPlan(settings));
const counts = () => countedPackets(TABLE);

/** A packet that may pass goes last: when it has arrived, so has everything before it. */
function expectSeen(
  lab: FirewallLab,
  lines: readonly string[],
  last: string,
  seen: string[],
): void {
  lab.forget();
  lab.sh(...lines);
  lab.waitFor(last);
  const packets = lab.seen().map((packet) => packet.replace(/ fe80::\S+ /, " LINK-LOCAL "));
  assertEquals(packets.sort(), [...seen, last].sort());
}

rootTest(
  "the kill switch is what nft makes of its text",
  () =>
    withCgroup((cgroup) =>
      inNetNamespace(() => {
        assertSameAsNft(killSwitchPlan(PLAIN));
        assertSameAsNft(killSwitchPlan({
          ...FAR_PROXY,
          mark: { value: 0x100, mask: 0xff00 },
          relays: [PROXY, PROXY6].map((text) => parseAddress(text)!),
          outside: { users: [{ from: 7, to: 7 }, { from: 100, to: 200 }], cgroups: [cgroup] },
          forwarded: { outside: ["virbr*", "lxc0"], inside: ["docker0", "br-*"] },
          internal: ["docker0", "br-*"],
          lan: ["10.0.0.0/8", "10.1.0.0/16", "192.168.7.9/16", "fd00::/8"].map((text) =>
            parsePrefix(text)!
          ),
          incoming: true,
        }));
        assertSameAsNft(killSwitchPlan({ ...PLAIN, onlySome: true }));
      })
    ),
);

rootTest(
  "nothing leaves but by the tunnel and to the proxy, whatever is sent",
  () =>
    inFirewallLab((lab) => {
      markOurselves(String(MARK));
      const before = runHere("nft", "list", "ruleset");
      apply(FAR_PROXY);
      const last = `uplink ${UPLINK} ${PROXY} udp 1080`;
      expectSeen(
        lab,
        [
          ...LEAKS,
          ours(tcp(WEB, 80)),
          ours(udp(WEB6, 443)),
          ours(tcp(PROXY, 1081)),
          ours(udp(PROXY6, 53)),
          // To the proxy, but not by ztun.
          tcp(PROXY, 1080),
          udp(PROXY6, 1080),
          ours(tcp(PROXY, 1080)),
          ours(tcp(PROXY6, 1080)),
          ours(udp(PROXY6, 1080)),
          ours(udp(PROXY, 1080)),
        ],
        last,
        [
          `uplink ${UPLINK} ${PROXY} tcp 1080`,
          `uplink ${UPLINK6} ${PROXY6} tcp 1080`,
          `uplink ${UPLINK6} ${PROXY6} udp 1080`,
        ],
      );
      const { refused_ipv4, refused_ipv6, refused_dns, ...none } = counts();
      assertEquals([refused_ipv4! >= 8, refused_ipv6! >= 7, refused_dns], [true, true, 5]);
      assertEquals(none, { refused_forwarded: 0, refused_late: 0 });
      const socket = new NftablesSocket();
      assertEquals(socket.deleteTable(TABLE), true);
      socket.close();
      assertEquals(runHere("nft", "list", "ruleset"), before);
      lab.sh(udp(WEB, 53));
      lab.waitFor(`uplink ${UPLINK} ${WEB} udp 53`);
    }),
);

rootTest(
  "each of these packets would have left without the kill switch",
  () =>
    inFirewallLab((lab) => {
      lab.forget();
      lab.sh(...LEAKS, udp(PROXY, 1080));
      lab.waitFor(`uplink ${UPLINK} ${PROXY} udp 1080`);
      const told = lab.seen().map((packet) => packet.split(" ").slice(2).join(" "));
      const wanted = [
        ...[`${WEB} tcp 80`, `${WEB} udp 443`, `${WEB} udp 53`, `${WEB} tcp 53`],
        ...[`${WEB6} tcp 80`, `${WEB6} udp 443`, `${WEB6} udp 53`],
        ...["10.1.0.1 udp 53", "10.1.0.1 udp 9", "fd01::1 udp 9"],
        ...[`${WEB} echo-request`, `${WEB6} echo-request`, "10.1.0.255 echo-request"],
        ...["ff02::1 echo-request", "ff02::fb echo-request", "224.0.0.251 udp 5353"],
      ];
      for (const packet of wanted) {
        assertEquals(told.includes(packet), true, `${packet} of ${told}`);
      }
    }),
);

rootTest("what is refused is told so at once", () =>
  inFirewallLab((lab) => {
    apply(FAR_PROXY);
    for (const [address, port] of [[WEB, 80], [WEB6, 80], [WEB, 53]] as const) {
      assertEquals(/refused/.test(lab.sh(tcp(address, port))), true);
    }
    assertEquals(/not permitted/.test(lab.sh(udp(WEB, 443))), true);
    assertEquals(/not permitted/.test(lab.sh(udp(WEB6, 443))), true);
    assertEquals(/filtered/i.test(lab.sh(ping(WEB))), true);
  }));

rootTest(
  "the link stays alive: neighbours are found, addresses are leased",
  () =>
    inFirewallLab((lab) => {
      apply(FAR_PROXY);
      markOurselves(String(MARK));
      lab.sh("ip neigh flush dev uplink", "ip -6 neigh flush dev uplink");
      expectSeen(
        lab,
        [
          fromPort(68, "10.1.0.1", 67),
          fromPort(69, "10.1.0.1", 67),
          fromPort(546, "ff02::1:2%uplink", 547),
          fromPort(545, "ff02::1:2%uplink", 547),
          ours(udp(PROXY6, 1080)),
        ],
        `uplink ${UPLINK6} ${PROXY6} udp 1080`,
        [`uplink ${UPLINK} 10.1.0.1 udp 67`, "uplink LINK-LOCAL ff02::1:2 udp 547"],
      );
    }),
);

rootTest(
  "the LAN is let through where it was asked for, but for its resolver",
  () =>
    inFirewallLab((lab) => {
      apply({ ...PLAIN, lan: ["10.1.0.0/16", "fd01::/16"].map((text) => parsePrefix(text)!) });
      expectSeen(
        lab,
        [
          ...[tcp("10.1.0.1", 80), udp("10.1.0.1", 53), udp("fd01::1", 53), tcp("fd01::1", 53)],
          ...[udp(WEB, 9), tcp(WEB6, 80)],
          udp("fd01::1", 9),
        ],
        `uplink ${UPLINK6} fd01::1 udp 9`,
        [`uplink ${UPLINK} 10.1.0.1 tcp 80`],
      );
      assertEquals(counts()["refused_dns"], 3);
    }),
);

rootTest(
  "a proxy on this host goes anywhere with the mark, and nobody else with it",
  () =>
    withCgroup((cgroup, directory) =>
      inFirewallLab((lab) => {
        routeIntoTunnel(String(MARK));
        const users = [{ from: 1000, to: 1000 }, { from: 2000, to: 2009 }];
        const outside = { users, cgroups: [cgroup] };
        applyTables(
          markPlan({ ...MARKING, outside: { ...outside, users: [...users, { from: 7, to: 7 }] } }),
          killSwitchPlan({ ...PLAIN, outside }),
        );
        expectSeen(
          lab,
          [
            asUser(1000, tcp(WEB, 80)),
            asUser(2007, udp(WEB6, 443)),
            inGroup(directory, udp(WEB, 8443)),
            // Marked, but not meant here; and not marked at all: into the tunnel.
            asUser(7, udp(WEB, 81)),
            asUser(2010, udp(WEB, 82)),
            tcp(WEB6, 83),
            asUser(1000, udp(WEB, 84)),
          ],
          `uplink ${UPLINK} ${WEB} udp 84`,
          [
            `uplink ${UPLINK} ${WEB} tcp 80`,
            `uplink ${UPLINK6} ${WEB6} udp 443`,
            `uplink ${UPLINK} ${WEB} udp 8443`,
            `ztun0 ${TUNNEL} ${WEB} udp 82`,
            `ztun0 ${TUNNEL6} ${WEB6} tcp 83`,
          ],
        );
      })
    ),
);

rootTest(
  "connections from outside are answered only where that was asked for",
  () =>
    inFirewallLab((lab) => {
      routeIntoTunnel(String(MARK));
      const listeners = [UPLINK, UPLINK6].map((hostname) => Deno.listen({ hostname, port: 2222 }));
      const answered = (seconds = 10) =>
        [UPLINK, UPLINK6].map((address) =>
          lab.far(connects(address, 2222, seconds)).includes("connected")
        );
      try {
        applyTables(markPlan(MARKING));
        assertEquals(answered(), [true, true]);
        // By the time that the first look is taken, an answer is still on its way into the tunnel.
        applyTables(killSwitchPlan(PLAIN));
        assertEquals(answered(1), [false, false]);
        applyTables(killSwitchPlan({ ...PLAIN, incoming: true }));
        assertEquals(answered(), [true, true]);
      } finally {
        for (const listener of listeners) listener.close();
      }
    }),
);

rootTest(
  "containers are held back too, unless they go into the tunnel or are excepted",
  () =>
    inFirewallLab((lab) => {
      publishPort();
      lab.box("ip link set lo up");
      applyTables(killSwitchPlan({ ...PLAIN, internal: ["docker*"] }));
      markOurselves(String(MARK));
      lab.forget();
      lab.box(udp(WEB, 9), tcp(WEB, 80), udp(WEB, 53), ping(WEB));
      assertEquals(counts()["refused_forwarded"], 4);
      assertEquals(lab.sh(ping(BOX)).includes("1 received"), true);
      routeIntoTunnel(String(MARK));
      lab.box(udp(WEB, 10));
      lab.waitFor(`ztun0 ${TUNNEL} ${WEB} udp 10`);
      assertEquals(lab.seen(), [`ztun0 ${TUNNEL} ${WEB} udp 10`]);
      const forwarded = { outside: ["docker0"], inside: undefined };
      applyTables(
        markPlan({ ...MARKING, forwarded }),
        killSwitchPlan({ ...PLAIN, internal: ["docker0"], forwarded }),
      );
      lab.box(udp(WEB, 11));
      lab.waitFor(`uplink ${UPLINK} ${WEB} udp 11`);
    }),
);

rootTest("the kill switch outlives the process that made it", () =>
  inFirewallLab((lab) => {
    const program = new URL("../../../support/firewall_and_die.ts", import.meta.url).pathname;
    const { signal } = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, encodeTable(compileTable(killSwitchPlan(PLAIN)))],
    }).outputSync();
    assertEquals(signal, "SIGKILL");
    expectSeen(
      lab,
      ["ip link del ztun0", ...LEAKS, fromPort(68, "10.1.0.1", 67)],
      `uplink ${UPLINK} 10.1.0.1 udp 67`,
      [],
    );
  }));

rootTest(
  "what others route anew behind our back is stopped at the door",
  () =>
    inFirewallLab((lab) => {
      routeIntoTunnel(String(MARK));
      lab.sh("ip rule add priority 6000 fwmark 0x99 lookup main");
      nftFile(`table inet other {
  chain output { type route hook output priority 10; policy accept;
    udp dport 12 meta mark set 0x99
  }
}
`);
      apply(PLAIN);
      expectSeen(lab, [udp(WEB, 12), udp(WEB, 13)], `ztun0 ${TUNNEL} ${WEB} udp 13`, []);
      assertEquals(counts()["refused_late"], 1);
    }),
);
