/**
 * Answers every datagram with the port that it came from.
 *
 *     udp_mirror.ts ADDRESS PORT…
 */

const [hostname, ...ports] = Deno.args;

async function mirror(port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: hostname!, port });
  const buffer = new Uint8Array(65_536);
  while (true) {
    const [, from] = await socket.receive(buffer);
    await socket.send(new TextEncoder().encode(`${(from as Deno.NetAddr).port}`), from);
  }
}

const loops = ports.map((port) => mirror(Number(port)));
Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
await Promise.all(loops);
