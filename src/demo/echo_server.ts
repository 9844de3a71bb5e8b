/** The demo's UDP echo server: every datagram goes back to where it came from. */

import { type DemoServer, isClosed } from "./demo_server.ts";

const MAX_DATAGRAM = 65_535;

export function startEchoServer(hostname: string): DemoServer {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  const done = echo(socket);
  return {
    hostname,
    port,
    close: async () => {
      socket.close();
      await done;
    },
  };
}

async function echo(socket: Deno.DatagramConn): Promise<void> {
  const buffer = new Uint8Array(MAX_DATAGRAM);
  for (;;) {
    try {
      const [datagram, from] = await socket.receive(buffer);
      await socket.send(datagram, from);
    } catch (error) {
      if (isClosed(error)) return;
      // One answer could not be sent: the next may.
    }
  }
}
