/**
 * A host with two ways out, and the far side that both lead to, for the length of one function:
 *
 *     host (this thread)                     far
 *     uplink 10.1.0.2   fd01::2   ── veth ── 10.1.0.1  fd01::1      203.0.113.10, 2001:db8:10::10
 *     ztun0  198.18.0.1 fd18::1   ── veth ── 198.18.0.2 fd18::2     and 198.51.100.20 behind both
 *     docker0 172.17.0.1          ── veth ── box 172.17.0.2
 *
 * What comes by one way with the address of the other is not accepted. The far side writes down every IP packet that reaches it, before anything can be done to it, by the way
 * that it came. So it is known for certain what was on the wire, and nothing need be captured in time.
 */

import { inNetNamespace, runHere } from "./net_namespace.ts";
import { nftFile } from "./nft.ts";

export const UPLINK = "10.1.0.2";
export const UPLINK6 = "fd01::2";
export const TUNNEL = "198.18.0.1";
export const TUNNEL6 = "fd18::1";
export const BOX = "172.17.0.2";
export const WEB = "203.0.113.10";
export const WEB6 = "2001:db8:10::10";
export const PROXY = "198.51.100.20";
export const PROXY6 = "2001:db8:20::20";

const PATIENCE_MS = 10_000;
/** Nobody wakes it: a pause for a function that may not be asynchronous. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

const JUDGE = `table inet judge {
  set seen4 { type ifname . ipv4_addr . ipv4_addr . inet_proto . inet_service
    size 4096; flags dynamic; }
  set seen6 { type ifname . ipv6_addr . ipv6_addr . inet_proto . inet_service
    size 4096; flags dynamic; }
  set types4 { type ifname . ipv4_addr . ipv4_addr . icmp_type; size 4096; flags dynamic; }
  set types6 { type ifname . ipv6_addr . ipv6_addr . icmpv6_type; size 4096; flags dynamic; }
  chain arrive {
    type filter hook prerouting priority -400; policy accept;
    iifname "lo" accept
    meta l4proto icmp add @types4 { iifname . ip saddr . ip daddr . icmp type } accept
    meta l4proto ipv6-icmp add @types6 { iifname . ip6 saddr . ip6 daddr . icmpv6 type } accept
    meta nfproto ipv4 add @seen4 { iifname . ip saddr . ip daddr . meta l4proto . th dport }
    meta nfproto ipv6 add @seen6 { iifname . ip6 saddr . ip6 daddr . meta l4proto . th dport }
  }
  chain refuse {
    type filter hook prerouting priority -390; policy accept;
    iifname "ztun0" ip saddr ${UPLINK} drop
    iifname "ztun0" ip6 saddr ${UPLINK6} drop
  }
}
`;

export interface FirewallLab {
  /** Runs lines of a shell, each to its end, whether it succeeds or not; gives all that they print. */
  sh(...lines: string[]): string;
  /** The same on the far side, or in the container. */
  far(...lines: string[]): string;
  box(...lines: string[]): string;
  /** What reached the far side: "uplink 10.1.0.2 203.0.113.10 tcp 80"; no upkeep of the link. */
  seen(): string[];
  /** Waits until this has reached the far side, and with it what was sent before. */
  waitFor(packet: string): void;
  /** Forgets what the far side has seen. */
  forget(): void;
}

export function inFirewallLab(body: (lab: FirewallLab) => void): void {
  // Files of tests run in one process: its number does not tell them apart.
  const name = `ztun-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const [far, box] = [`${name}-far`, `${name}-box`];
  inNetNamespace(() => {
    try {
      for (const each of [far, box]) runHere("ip", "netns", "add", each);
      build(far, box);
      body(labOf(far, box));
    } finally {
      for (const each of [far, box]) {
        new Deno.Command("ip", { args: ["netns", "del", each] }).outputSync();
      }
    }
  });
}

function build(far: string, box: string): void {
  const host = [
    "sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0",
    "sysctl -q -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0",
    "ip link set lo up",
    `ip link add uplink type veth peer name uplink netns ${far}`,
    `ip link add ztun0 type veth peer name ztun0 netns ${far}`,
    `ip link add docker0 type veth peer name eth0 netns ${box}`,
    `ip addr add ${UPLINK}/24 dev uplink`,
    `ip addr add ${UPLINK6}/64 dev uplink nodad`,
    `ip addr add ${TUNNEL}/30 dev ztun0`,
    `ip addr add ${TUNNEL6}/126 dev ztun0 nodad`,
    "ip addr add 172.17.0.1/16 dev docker0",
    "for link in uplink ztun0 docker0; do ip link set $link up; done",
    "ip route add default via 10.1.0.1",
    "ip -6 route add default via fd01::1",
    "sysctl -q -w net.ipv4.ip_forward=1",
  ];
  const other = [
    "sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0",
    "ip link set lo up",
    "ip addr add 10.1.0.1/24 dev uplink",
    "ip addr add fd01::1/64 dev uplink nodad",
    "ip addr add 198.18.0.2/30 dev ztun0",
    "ip addr add fd18::2/126 dev ztun0 nodad",
    ...[WEB, PROXY].map((address) => `ip addr add ${address}/32 dev lo`),
    ...[WEB6, PROXY6].map((address) => `ip addr add ${address}/128 dev lo nodad`),
    "for link in uplink ztun0; do ip link set $link up; done",
    "ip route add default via 198.18.0.1",
    // As from somewhere behind the router: to a neighbour the host would answer directly anyway.
    `ip route add ${UPLINK} dev uplink src ${WEB}`,
    `ip route add ${UPLINK6} dev uplink src ${WEB6}`,
  ];
  const container = [
    "ip link set lo up",
    `ip addr add ${BOX}/16 dev eth0`,
    "ip link set eth0 up",
    "ip route add default via 172.17.0.1",
  ];
  runHere("sh", "-ec", host.join("\n"));
  runHere("ip", "netns", "exec", far, "sh", "-ec", other.join("\n"));
  runHere("ip", "netns", "exec", box, "sh", "-ec", container.join("\n"));
  const path = Deno.makeTempFileSync({ suffix: ".nft" });
  try {
    Deno.writeTextFileSync(path, JUDGE);
    runHere("ip", "netns", "exec", far, "nft", "-f", path);
  } finally {
    Deno.removeSync(path);
  }
}

function labOf(far: string, box: string): FirewallLab {
  const within = (name: string) => (...lines: string[]) =>
    shell(["ip", "netns", "exec", name, "bash"], lines);
  const inFar = within(far);
  const seen = () =>
    ["seen4", "seen6", "types4", "types6"].flatMap((set) =>
      elements(
        runHere("ip", "netns", "exec", far, "nft", "-j", "list", "set", "inet", "judge", set),
      )
    ).filter((packet) => !isUpkeep(packet)).sort();
  return {
    sh: (...lines) => shell(["bash"], lines),
    far: inFar,
    box: within(box),
    seen,
    waitFor(packet) {
      const deadline = performance.now() + PATIENCE_MS;
      while (!seen().includes(packet)) {
        if (performance.now() > deadline) {
          throw new Error(`Not seen: ${packet}\n${seen().join("\n")}`);
        }
        Atomics.wait(PAUSE, 0, 0, 10);
      }
    },
    forget() {
      inFar(
        ...["seen4", "seen6", "types4", "types6"].map((set) => `nft flush set inet judge ${set}`),
      );
    },
  };
}

function shell([command, ...args]: readonly string[], lines: readonly string[]): string {
  const script = lines.map((line) => `{ ${line}\n} 2>&1 || true`).join("\n");
  return runHere(command!, ...args, "-c", script);
}

interface Listed {
  nftables: { set?: { elem?: { concat: (string | number)[] }[] } }[];
}

function elements(json: string): string[] {
  return (JSON.parse(json) as Listed).nftables.flatMap(({ set }) => set?.elem ?? [])
    .map(({ concat }) => concat.join(" "));
}

/** Neighbours and routers of a link, and what only concerns the tunnel's own. */
function isUpkeep(packet: string): boolean {
  return / nd-(neighbor|router)-/.test(packet) || /^ztun0 .* mld2-listener-report$/.test(packet);
}

/** The rules and the table that send all but marked packets into the tunnel. */
export function routeIntoTunnel(mark: string): void {
  runHere(
    "sh",
    "-ec",
    [
      "ip route add default via 198.18.0.2 dev ztun0 table 7000",
      "ip -6 route add default via fd18::2 dev ztun0 table 7000",
      ...["-4", "-6"].flatMap((family) => [
        `ip ${family} rule add priority 7001 not fwmark ${mark} lookup 7000`,
        `ip ${family} rule add priority 7000 lookup main suppress_prefixlength 0`,
      ]),
    ].join("\n"),
  );
}

/** Who sends as this user has the mark from the start, as ztun's own sockets have it. */
export const OURSELVES = 4444;

export function markOurselves(mark: string): void {
  // A socket with the mark has its address by the way of the mark: for that it is too late in a firewall.
  for (const family of ["-4", "-6"]) {
    const who = `uidrange ${OURSELVES}-${OURSELVES}`;
    runHere("sh", "-ec", `ip ${family} rule add priority 6990 ${who} lookup main`);
  }
  nftFile(`table inet ourselves {
  chain output { type route hook output priority -200; policy accept;
    meta skuid ${OURSELVES} meta mark set ${mark}
  }
}
`);
}

/** The line of a shell as another user runs it. */
export function asUser(user: number, line: string): string {
  return `setpriv --reuid ${user} --clear-groups bash -c "${line}"`;
}

/** As a member of a control group, by its directory. */
export function inGroup(directory: string, line: string): string {
  return `bash -c "echo \\$\\$ > ${directory}/cgroup.procs; ${line}"`;
}

export const udp = (address: string, port: number) => `echo x > /dev/udp/${address}/${port}`;
export const tcp = (address: string, port: number) =>
  `timeout 20 bash -c '< /dev/tcp/${address}/${port}'`;
/** An answer ends the waiting. */
export const ping = (address: string, seconds = 10) => `ping -n -c 1 -W ${seconds} ${address}`;

/** Says "connected" when somebody listens there and the answer finds its way. */
export const connects = (address: string, port: number, seconds = 10) =>
  `timeout ${seconds} bash -c '< /dev/tcp/${address}/${port}' && echo connected`;

/** What a container engine does for a published port. */
export function publishPort(): void {
  nftFile(`table ip docker {
  chain arrive { type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local tcp dport 8080 dnat to ${BOX}:80
  }
  chain leave { type nat hook postrouting priority srcnat; policy accept;
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
  }
}
`);
}
