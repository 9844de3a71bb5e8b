import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../src/errors.ts";
import { runSocks, type RunSocksOptions } from "../../../src/socks_server/run.ts";
import { Client, echo, withTcpServer } from "./client.ts";

function world(listen = { hostname: "127.0.0.1", port: 0 }) {
  const listeners = new Map<Deno.Signal, () => void>();
  const ready = Promise.withResolvers<number>();
  const said: string[] = [];
  const options: RunSocksOptions = {
    listen,
    udp: true,
    limits: {},
    grace: 600_000,
    say: (line) => {
      said.push(line);
      ready.resolve(Number(/:(\d+)$/.exec(line)?.[1]));
    },
    warn: (line) => void said.push(`warning: ${line}`),
    addSignalListener: (signal, listener) => void listeners.set(signal, listener),
    removeSignalListener: (signal) => void listeners.delete(signal),
  };
  return { options, listeners, ready: ready.promise, said };
}

Deno.test("serves until a signal, then ends with 0 and listens for signals no more", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const { options, listeners, ready, said } = world();
    const ended = runSocks(options);
    const port = await ready;
    assertEquals(said, [`listening on 127.0.0.1:${port}`]);
    listeners.get(signal)?.();
    assertEquals(await ended, 0);
    assertEquals(listeners.size, 0);
  }
});

Deno.test("a second signal does not wait for what is under way", async () => {
  await withTcpServer(echo, async (destination) => {
    const { options, listeners, ready } = world();
    const ended = runSocks(options);
    const client = await Client.open(await ready);
    await client.connect(destination);
    await client.send(1);
    await client.take(1);
    listeners.get("SIGINT")?.();
    listeners.get("SIGINT")?.();
    assertEquals(await ended, 130);
    await client.fate();
    client.close();
  });
});

Deno.test("an address that is taken is an error with a hint; an open proxy a warning", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const busy = world({ hostname: "127.0.0.1", port: taken.addr.port });
  const error = await assertRejects(() => runSocks(busy.options), UserError);
  assert(error.hint?.includes("ztun socks --listen"));
  assertEquals(busy.listeners.size, 0);
  taken.close();

  const open = world({ hostname: "0.0.0.0", port: 0 });
  const ended = runSocks(open.options);
  await open.ready;
  assert(open.said[0]?.startsWith("warning: everybody who reaches 0.0.0.0"));
  open.listeners.get("SIGTERM")?.();
  assertEquals(await ended, 0);
});
