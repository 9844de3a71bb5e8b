/**
 * Two hosts and the bad network between them. `run` goes on until nothing is left to happen, and then
 * nothing may be left over.
 */

import type { TcpEndpoints, TcpOptions } from "../../src/stack/tcp/connection.ts";
import { Endpoint, type Script } from "./endpoint.ts";
import { Host, type HostOptions } from "./host.ts";
import { toPlainPackets, withVnetHeader } from "./offload.ts";
import { Path, type PathOptions } from "./path.ts";
import type { Random } from "./random.ts";
import { VirtualClock } from "./virtual_clock.ts";

export const TCP_OPTIONS: TcpOptions = {
  flowBytes: 1 << 18,
  idle: 600_000,
  halfClosed: 120_000,
  // Longer than the retransmissions of a FIN that is lost several times.
  timeWait: 60_000,
  giveUp: 180_000,
  keepAliveInterval: 10_000,
  keepAliveProbes: 3,
  congestion: "cubic",
};

/** More than any scenario needs: beyond it something goes round in circles. */
const MOST_STEPS = 3_000_000;

export interface Flow {
  readonly client: Endpoint;
  /** The server's ends: more than one when an old SYN comes up again, and none when none arrived. */
  readonly servers: Endpoint[];
  readonly clientScript: Script;
  readonly serverScript: Script;
}

export interface SimulationOptions {
  readonly client: HostOptions;
  readonly server: HostOptions;
  readonly up: PathOptions;
  readonly down: PathOptions;
  readonly ipv6: boolean;
  /** Super-segments cross whole where both ends have virtio headers. */
  readonly whole: boolean;
}

export class Simulation {
  readonly clock = new VirtualClock();
  readonly client: Host;
  readonly server: Host;
  readonly up: Path;
  readonly down: Path;
  readonly flows: Flow[] = [];
  readonly #options: SimulationOptions;
  /** Milliseconds between a SYN and its being accepted. */
  acceptDelay = 0;

  constructor(random: Random, options: SimulationOptions) {
    this.#options = options;
    this.client = new Host(this.clock, random, options.client);
    this.server = new Host(this.clock, random, options.server);
    this.up = this.#join(random, this.client, this.server, options.up);
    this.down = this.#join(random, this.server, this.client, options.down);
  }

  /** Where the client's end of flow `index` is. */
  endpoints(index: number): TcpEndpoints {
    const address = (last: number) =>
      this.#options.ipv6
        ? new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last])
        : new Uint8Array([10, 0, 0, last]);
    return {
      localAddress: address(1),
      localPort: 10_000 + index,
      remoteAddress: address(2),
      remotePort: 80,
    };
  }

  /** Opens a flow from client to server at the virtual time `at`. */
  open(clientScript: Script, serverScript: Script, at = 0): Flow {
    const index = this.flows.length;
    const client = new Endpoint(this.client, clientScript, 2 * index, 2 * index + 1);
    const flow: Flow = { client, servers: [], clientScript, serverScript };
    this.flows.push(flow);
    this.clock.at(at, () =>
      this.client.act(() => {
        const connection = this.client.stack.connect(this.endpoints(index), this.client.now);
        if (connection === undefined) throw new Error("no room for a connection");
        connection.owner = client;
      }));
    return flow;
  }

  /** Opens flow 0 from both ends at once (RFC 9293, 3.5). */
  openFromBothEnds(clientScript: Script, serverScript: Script, apart: number): Flow {
    const flow = this.open(clientScript, serverScript);
    const owner = new Endpoint(this.server, serverScript, 1, 0);
    flow.servers.push(owner);
    const { localAddress, localPort, remoteAddress, remotePort } = this.endpoints(0);
    const mirrored = {
      localAddress: remoteAddress,
      localPort: remotePort,
      remoteAddress: localAddress,
      remotePort: localPort,
    };
    this.clock.at(apart, () =>
      this.server.act(() => {
        const connection = this.server.stack.connect(mirrored, this.server.now);
        if (connection === undefined) throw new Error("the SYN came first");
        connection.owner = owner;
      }));
    return flow;
  }

  /** Lets the server take every connection that comes, as its flow's script says. */
  serve(): void {
    this.server.onOpened = (connection) => {
      const index = connection.endpoints.remotePort - 10_000;
      const flow = this.flows[index]!;
      const owner = new Endpoint(this.server, flow.serverScript, 2 * index + 1, 2 * index);
      flow.servers.push(owner);
      connection.owner = owner;
      if (this.acceptDelay === 0) connection.accept();
      else this.clock.after(this.acceptDelay, () => this.server.act(() => connection.accept()));
    };
  }

  /** Runs until nothing is left to happen, or until the clock reaches `until`. */
  run(until = Infinity): void {
    let steps = 0;
    while (this.clock.step() && this.clock.now < until) {
      if (++steps > MOST_STEPS) throw new Error(`no end in sight at ${this.clock.now} ms`);
    }
    if (until === Infinity) this.#checkLeftovers();
  }

  #checkLeftovers(): void {
    const found = [
      ...this.client.leftovers().map((text) => `client: ${text}`),
      ...this.server.leftovers().map((text) => `server: ${text}`),
    ];
    for (const [index, flow] of this.flows.entries()) {
      for (const end of [flow.client, ...flow.servers]) {
        if (end.outcome === "open") found.push(`flow ${index} was left open`);
      }
    }
    if (found.length > 0) throw new Error(`left over:\n  ${found.join("\n  ")}`);
  }

  #join(random: Random, from: Host, to: Host, options: PathOptions): Path {
    const mtu = Math.min(from.link.mtu, to.link.mtu);
    const whole = this.#options.whole && from.link.vnet && to.link.vnet;
    // Where the kernel vouches for checksums a changed bit would go unseen: those paths change none.
    const honest = to.link.vnet ? { ...options, corruption: 0 } : options;
    const path = new Path(this.clock, random, honest, (packet) => {
      to.deliver(to.link.vnet && !whole ? withVnetHeader(packet) : packet);
    });
    from.onPacket = (packet) => {
      if (whole) return path.send(packet);
      if (from.link.vnet) {
        for (const piece of toPlainPackets(packet, mtu)) path.send(piece);
        return;
      }
      if (packet.length > mtu) throw new Error(`a packet of ${packet.length} bytes on MTU ${mtu}`);
      path.send(packet);
    };
    return path;
  }
}
