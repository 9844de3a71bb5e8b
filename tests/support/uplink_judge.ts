/**
 * The judge of leaks: tcpdump on a link of the host, which sees what leaves by it however it got there.
 *
 * Before it judges, a frame of its own goes out by the same link, past every firewall: when tcpdump has
 * written that, it has written all that left before.
 */

import { parseAddress } from "../../src/addr/address.ts";
import { parsePrefix, prefixContains } from "../../src/addr/prefix.ts";
import { type Frame, framesIn, type Packet, packetOf, packetText } from "./captured_packets.ts";
import { eventually } from "./eventually.ts";
import type { Running } from "./process.ts";
import { sendFrame } from "./raw_frame.ts";
import type { Namespace, Stage } from "./stage.ts";

/** For experiments on a local network (IEEE 802). */
const MARKER_TYPE = 0x88b5;
const MARKER_LENGTH = 16;
/** Nobody reads more of a failure. */
const MOST_SHOWN = 40;

export type Allowed = (packet: Packet) => boolean;

let judges = 0;

export class UplinkJudge {
  readonly #where: Namespace;
  readonly #link: string;
  readonly #path: string;
  readonly #tcpdump: Running;
  /** Frames that are forgotten. */
  #from = 0;

  private constructor(where: Namespace, link: string, path: string, tcpdump: Running) {
    this.#where = where;
    this.#link = link;
    this.#path = path;
    this.#tcpdump = tcpdump;
  }

  /** Watches from now on, for as long as the stage is there. */
  static async watch(stage: Stage, where: Namespace, link: string): Promise<UplinkJudge> {
    const path = `${stage.directory}/judge-${judges++}.pcap`;
    const command = [
      ...["tcpdump", "-i", link, "-Q", "out", "-n", "-Z", "root"],
      // Headers are enough; what comes in bursts must not be lost; every packet is written at once.
      ...["-s", "128", "-B", "65536", "--immediate-mode", "-U", "-w", path],
    ];
    const tcpdump = stage.start(`tcpdump on ${link}`, where, command);
    await tcpdump.logged(/listening on/);
    return new UplinkJudge(where, link, path, tcpdump);
  }

  /** What has left so far, since the last `forget`. */
  async packets(): Promise<Packet[]> {
    const frames = await this.#settledFrames();
    return frames.slice(this.#from).filter(({ etherType }) => etherType !== MARKER_TYPE)
      .map(packetOf);
  }

  async forget(): Promise<void> {
    this.#from = (await this.#settledFrames()).length;
  }

  /** What has left and was not to: each kind once, with its count. Empty is what a test wants. */
  async leaks(allowed: readonly Allowed[]): Promise<string[]> {
    const packets = await this.packets();
    const leaked = packets.filter((packet) => !allowed.some((allows) => allows(packet)));
    return counted(leaked.map(packetText)).slice(0, MOST_SHOWN);
  }

  async #settledFrames(): Promise<Frame[]> {
    const marker = crypto.getRandomValues(new Uint8Array(MARKER_LENGTH));
    sendFrame(this.#where.name, this.#link, MARKER_TYPE, marker);
    const text = marker.toHex();
    return await eventually("the judge to have written everything", async () => {
      if (!this.#tcpdump.alive) throw new Error(this.#tcpdump.log);
      const frames = [...framesIn(await Deno.readFile(this.#path))];
      return frames.some((frame) => isMarker(frame, text)) ? frames : undefined;
    });
  }
}

function isMarker({ etherType, bytes }: Frame, text: string): boolean {
  return etherType === MARKER_TYPE && bytes.subarray(14, 14 + MARKER_LENGTH).toHex() === text;
}

function counted(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`));
}

const DISCOVERY = [130, 131, 132, 133, 134, 135, 136, 143];

/** Without it there is no network: neighbours, routers and groups of the link, and DHCP. */
export const upkeep: Allowed = ({ protocol, type, sourcePort, port, destination }) => {
  if (protocol === "arp") return true;
  if (protocol === "icmp6") return DISCOVERY.includes(type);
  if (protocol === "udp") {
    return (sourcePort === 68 && port === 67) || (sourcePort === 546 && port === 547);
  }
  return protocol === "2" && destination.startsWith("224.0.0.");
};

/** To this port of that address, whoever sends. */
export function to(protocol: "tcp" | "udp", address: string, port?: number): Allowed {
  return (packet) =>
    packet.protocol === protocol && packet.destination === address &&
    (port === undefined || packet.port === port);
}

/** Answers of a server on this port of the host. */
export function answersFrom(protocol: "tcp" | "udp", port: number): Allowed {
  return (packet) => packet.protocol === protocol && packet.sourcePort === port;
}

/** To a network, in any way. */
export function toNetwork(text: string): Allowed {
  const prefix = parsePrefix(text)!;
  return ({ destination }) => {
    const address = parseAddress(destination);
    return address !== undefined && prefixContains(prefix, address);
  };
}
