/**
 * How `ztun __demo` runs: loaded when it does. It says on stdout, in JSON, what the
 * others need to know, and ends with its stdin.
 */

import { DatagramSocket, ping } from "../../../ffi/datagram_linux.ts";
import { Errno, SysError } from "../../../ffi/libc.ts";
import { type Address, parseAddress } from "../../addr/address.ts";
import { runClient } from "../../demo/client.ts";
import type { Datagrams } from "../../demo/datagrams.ts";
import type { ProxyLeft, ProxyPorts } from "../../demo/demo.ts";
import { startFarSide } from "../../demo/far_side.ts";
import { PART } from "../../demo/part.ts";
import type { Pair } from "../../demo/plan.ts";
import { resetConnection } from "../../engine/reset.ts";
import { Exit, UserError } from "../../errors.ts";
import { PairedDestinations, socketAddressOf } from "../../socks_server/destination_map.ts";
import { Socks5Server } from "../../socks_server/server.ts";
import type { CommandInput } from "../command.ts";

/** How long, and how often, the proxy looks whether its clients have gone. */
const DRAIN = 2_000;
const DRAIN_PAUSE = 10;

type Say = (message: unknown) => void;

export async function run({ rest, environment }: CommandInput): Promise<number> {
  const [part, argument = ""] = rest;
  const say = (message: unknown) => environment.out(`${JSON.stringify(message)}\n`);
  const inputEnd = untilInputEnds();
  if (part === "far-side") await farSide(say, inputEnd);
  else if (part === "proxy") await proxy(JSON.parse(argument) as Pair[], say, inputEnd);
  else if (part === "client" && (argument === "all" || argument === "tcp-only")) {
    // Nobody listens any more once stdin has ended: what still runs ends with this process.
    await Promise.race([runClient(argument, datagrams, say).then(() => inputEnd), inputEnd]);
  } else {
    throw new UserError(`\`ztun ${PART}\` is for \`ztun demo\` to start`, {
      exitCode: Exit.Usage,
      hint: "`ztun demo`",
    });
  }
  return Exit.Ok;
}

async function untilInputEnds(): Promise<void> {
  const buffer = new Uint8Array(128);
  while (await Deno.stdin.read(buffer) !== null);
}

async function farSide(say: Say, inputEnd: Promise<void>): Promise<void> {
  const { pairs, standIn, close } = await startFarSide();
  say({ pairs, standIn });
  await inputEnd;
  await close();
}

async function proxy(pairs: readonly Pair[], say: Say, inputEnd: Promise<void>): Promise<void> {
  const destinations = new PairedDestinations(pairs.map(({ shown, real }) => {
    return [socketAddressOf(shown.host, shown.port), socketAddressOf(real.host, real.port)];
  }));
  const servers = [true, false].map((udp) =>
    new Socks5Server({
      listen: { hostname: "127.0.0.1", port: 0 },
      udp,
      reset: resetConnection,
      destinations,
    })
  );
  const [all = 0, tcpOnly = 0] = servers.map((server) => server.start().port);
  say({ all, tcpOnly } satisfies ProxyPorts);
  await inputEnd;
  say(await left(servers));
  await Promise.all(servers.map((server) => server.close(0)));
}

/** What clients have not closed; they may have ended this very moment. */
async function left(servers: readonly Socks5Server[]): Promise<ProxyLeft> {
  const deadline = performance.now() + DRAIN;
  for (;;) {
    const connections = servers.reduce((sum, server) => sum + server.connections, 0);
    const associations = servers.reduce((sum, server) => sum + server.associations, 0);
    if (connections + associations === 0 || performance.now() > deadline) {
      return { connections, associations };
    }
    await new Promise((resolve) => setTimeout(resolve, DRAIN_PAUSE));
  }
}

const datagrams: Datagrams = {
  udp: (host, port) => DatagramSocket.udp(addressOf(host), port),
  ping: (host, payload, patience) => ping(addressOf(host), payload, patience),
  isRefusal: (error) => error instanceof SysError && error.code === Errno.ECONNREFUSED,
  isForbidden: (error) =>
    error instanceof SysError && (error.code === Errno.EACCES || error.code === Errno.EPERM),
};

function addressOf(host: string): Address {
  const address = parseAddress(host);
  if (address === undefined) throw new TypeError(`Cannot use "${host}" as an address`);
  return address;
}
