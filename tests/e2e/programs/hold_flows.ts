/**
 * Opens many connections, checks that each lives, holds them idle until a line comes on its standard
 * input, checks them again, and closes them. Prints `held` and `released`.
 *
 *     hold_flows.ts ADDRESS PORT COUNT
 */

const [hostname, port, count] = Deno.args;
const AT_ONCE = 64;

const connections: Deno.Conn[] = [];

async function open(): Promise<void> {
  while (connections.length + opening < Number(count)) {
    opening++;
    const connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
    opening--;
    connections.push(connection);
  }
}

/** One short exchange over HTTP proves that the connection leads to the server. */
async function exchange(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  await connection.write(new TextEncoder().encode("GET /small HTTP/1.1\r\nHost: small\r\n\r\n"));
  let reply = "";
  while (!reply.endsWith("small\n")) {
    const length = await connection.read(buffer);
    if (length === null) throw new Error("A connection was closed early");
    reply += new TextDecoder().decode(buffer.subarray(0, length));
  }
}

async function exchangeAll(): Promise<void> {
  let next = 0;
  async function work(): Promise<void> {
    while (next < connections.length) await exchange(connections[next++]!);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

let opening = 0;
await Promise.all(Array.from({ length: AT_ONCE }, open));
await exchangeAll();
say("held");
await Deno.stdin.read(new Uint8Array(16));
await exchangeAll();
for (const connection of connections) connection.close();
say("released");
