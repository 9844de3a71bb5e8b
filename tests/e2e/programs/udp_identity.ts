/**
 * Opens SOCKETS sockets, sends from each a small and a fragmented datagram to each PORT, twice, and prints
 * for each socket the ports that it was seen as.
 *
 *     udp_identity.ts ADDRESS SOCKETS PORT…
 */

const [hostname, sockets, ...ports] = Deno.args;
const SIZES = [10, 9_000];
const PATIENCE_MS = 20_000;

/** One at a time: what is lost here was lost by somebody. */
async function ask(socket: Deno.DatagramConn, port: number, size: number): Promise<string> {
  await socket.send(new Uint8Array(size), { transport: "udp", hostname: hostname!, port });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No answer to ${size}`)), PATIENCE_MS);
  const [answer] = await Promise.race([socket.receive(), late.promise]);
  clearTimeout(timer);
  return new TextDecoder().decode(answer);
}

async function identity(): Promise<string> {
  const any = hostname!.includes(":") ? "::" : "0.0.0.0";
  const socket = Deno.listenDatagram({ transport: "udp", hostname: any, port: 0 });
  const seen = new Set<string>();
  for (let round = 0; round < 2; round++) {
    for (const size of SIZES) {
      for (const port of ports) seen.add(await ask(socket, Number(port), size));
    }
  }
  socket.close();
  return [...seen].join(" ");
}

const identities = await Promise.all(Array.from({ length: Number(sockets) }, identity));
Deno.stdout.writeSync(new TextEncoder().encode(`${identities.join("\n")}\n`));
