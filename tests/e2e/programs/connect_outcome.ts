/**
 * Connects once and prints what came of it: `connected`, the number of the system's error, or `silent`
 * when the time is over.
 *
 *     connect_outcome.ts HOST PORT MILLISECONDS
 */

const [hostname, port, limit] = Deno.args;

async function outcome(): Promise<string> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("silent"), Number(limit));
  const connected = Deno.connect({ hostname: hostname!, port: Number(port) }).then(
    (connection) => {
      connection.close();
      return "connected";
    },
    (error: Error) => error.message.match(/os error (\d+)/)?.[1] ?? error.message,
  );
  const first = await Promise.race([connected, late.promise]);
  clearTimeout(timer);
  return first;
}

const text = await outcome();
Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
// A connection that hangs would keep the process: signals do not wait for it.
if (text === "silent") Deno.kill(Deno.pid, "SIGKILL");
