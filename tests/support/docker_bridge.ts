/**
 * A container on the host, as Docker sets one up: a bridge, a network of the container's own, a published
 * port, and a firewall that forwards nothing else.
 */

import type { HostLab } from "./host_lab.ts";
import { must } from "./process.ts";
import { Namespace } from "./stage.ts";

export const CONTAINER = "172.17.0.2";
export const PUBLISHED = 8080;
const INSIDE = 80;

const RULES = `table ip nat {
  chain PREROUTING { type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump DOCKER
  }
  chain OUTPUT { type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local jump DOCKER
  }
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept;
    oifname != "docker0" ip saddr 172.17.0.0/16 masquerade
    ip saddr ${CONTAINER} ip daddr ${CONTAINER} tcp dport ${INSIDE} masquerade
  }
  chain DOCKER {
    iifname "docker0" return
    iifname != "docker0" tcp dport ${PUBLISHED} dnat to ${CONTAINER}:${INSIDE}
  }
}
table ip filter {
  chain FORWARD { type filter hook forward priority filter; policy drop;
    oifname "docker0" ct state related,established accept
    iifname != "docker0" oifname "docker0" ip daddr ${CONTAINER} tcp dport ${INSIDE} accept
    iifname "docker0" accept
  }
}
`;

/** Reads all of a request first: what is left unread would end the connection with a reset. */
const SERVER = `while read -r line && [ -n "\${line%?}" ]; do :; done
printf 'HTTP/1.0 200 OK\\r\\n\\r\\ncontainer\\n'
`;

/** Adds a container whose port 80 is the host's 8080; it serves a page that says "container". */
export async function addContainer(lab: HostLab): Promise<Namespace> {
  const container = new Namespace(lab.nameOf("container"));
  await lab.add(container);
  await lab.host.ip(
    "link add docker0 type bridge",
    `link add veth0 type veth peer name eth0 netns ${container.name}`,
    "link set veth0 master docker0 up",
    "addr add 172.17.0.1/16 dev docker0",
    "link set docker0 up",
  );
  await container.ip(
    `addr add ${CONTAINER}/16 dev eth0`,
    "link set eth0 up",
    "route add default via 172.17.0.1",
  );
  await lab.host.sysctl("net.ipv4.ip_forward", 1);
  await must(["ip", "netns", "exec", lab.host.name, "nft", "-f", "-"], { input: RULES });
  const script = `${lab.directory}/container.sh`;
  await Deno.writeTextFile(script, SERVER);
  const socat = ["socat", `TCP4-LISTEN:${INSIDE},fork,reuseaddr`, `EXEC:sh ${script}`];
  await lab.serve("container", socat, CONTAINER, INSIDE, container);
  return container;
}
