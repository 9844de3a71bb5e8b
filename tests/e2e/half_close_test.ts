/** One direction ends, the other goes on: in both directions, seen from both ends. */

import { assertEquals } from "@std/assert";
import { startNetcat, startSocat } from "../support/destinations.ts";
import { e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { WEB } from "../support/lab.ts";
import { dante, microsocks, PROXIES, ztunSocks } from "../support/proxies.ts";
import { hashOf, makeFile } from "../support/transfer.ts";

const PORT = 7001;
const SIZE = 1 << 20;

/** The server answers only when the client has ended: without a half-close it never would. */
async function clientEndsFirst({ lab }: TunnelCase): Promise<void> {
  await startSocat(lab, PORT, "openssl dgst -sha256 -r");
  const file = `${lab.directory}/sent`;
  await makeFile(file, SIZE);
  const hash = await hashOf(file);
  const ncScript = `nc.openbsd -N -w 10 ${WEB} ${PORT} < ${file}`;
  const byNetcat = await lab.client.must(["sh", "-c", ncScript]);
  assertEquals(byNetcat.split(" ")[0], hash, "netcat");
  const socatScript = `socat -t 10 - TCP4:${WEB}:${PORT} < ${file}`;
  const bySocat = await lab.client.must(["sh", "-c", socatScript]);
  assertEquals(bySocat.split(" ")[0], hash, "socat");
}

/** The server says goodbye and reads on; what the client sends after that must arrive. */
async function serverEndsFirst({ lab }: TunnelCase): Promise<void> {
  const [bye, file, kept] = ["bye", "file", "kept"].map((name) => `${lab.directory}/${name}`);
  await Deno.writeTextFile(bye!, "bye\n");
  await makeFile(file!, SIZE);
  const server = await startNetcat(lab, PORT, bye!, kept!);
  // The client reads to the end of the server's words before it sends a single byte.
  const script = `exec 3<>/dev/tcp/${WEB}/${PORT}; cat <&3; cat ${file} >&3`;
  assertEquals(await lab.client.must(["bash", "-c", script]), "bye\n");
  assertEquals((await server.ended).code, 0);
  assertEquals(await hashOf(kept!), await hashOf(file!));
}

// microsocks ends both directions when one ends, with and without a tunnel.
for (const proxy of PROXIES.filter((each) => each !== microsocks)) {
  e2eThrough("half-close by the client, with netcat and socat", proxy, clientEndsFirst);
}
for (const proxy of [ztunSocks, dante]) {
  e2eThrough("half-close by the server, then an upload", proxy, serverEndsFirst);
}
