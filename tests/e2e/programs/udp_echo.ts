/**
 * Sends every datagram back to where it came from.
 *
 *     udp_echo.ts PORT ADDRESS…
 */

const [port, ...addresses] = Deno.args;

async function echo(hostname: string): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: Number(port) });
  const buffer = new Uint8Array(65_536);
  while (true) {
    const [datagram, from] = await socket.receive(buffer);
    await socket.send(datagram, from);
  }
}

const loops = addresses.map(echo);
Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
await Promise.all(loops);
