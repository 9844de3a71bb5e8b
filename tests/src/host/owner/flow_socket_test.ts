import { assertEquals } from "@std/assert";
import { SockDiag, type SocketProtocol } from "../../../../ffi/sock_diag_linux.ts";
import { parseAddress } from "../../../../src/addr/address.ts";
import { socketOfFlow } from "../../../../src/host/owner/flow_socket.ts";

function flow(protocol: SocketProtocol, sourcePort: number, port: number) {
  const address = parseAddress("127.0.0.1")!;
  return { protocol, source: { address, port: sourcePort }, destination: { address, port } };
}

Deno.test("a TCP flow is its connection's, not that of who listens on the same port", async () => {
  const diag = new SockDiag();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [client, server] = await Promise.all([Deno.connect({ port }), listener.accept()]);
  const source = (client.localAddr as Deno.NetAddr).port;
  assertEquals(socketOfFlow(diag, flow("tcp", source, port))?.remote.port, port);
  assertEquals(socketOfFlow(diag, flow("tcp", port, 9)), undefined);
  [client, server, diag].forEach((each) => each.close());
});

Deno.test("a UDP flow may come from a socket that is bound to any address", () => {
  const diag = new SockDiag();
  const socket = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
  const { port } = socket.addr as Deno.NetAddr;
  assertEquals(socketOfFlow(diag, flow("udp", port, 53))?.local.port, port);
  assertEquals(socketOfFlow(diag, flow("udp", 1, 53)), undefined);
  socket.close();
  diag.close();
});
