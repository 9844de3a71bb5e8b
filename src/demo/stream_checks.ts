/** Checks of what goes in streams: HTTP, the end of one direction, refusal, many at once, and speed. */

import { httpGet } from "./http_client.ts";
import { GREETING } from "./http_server.ts";
import { type Family, NAME, Port, WEB } from "./plan.ts";
import { patternOf } from "./pattern.ts";
import { readPattern, type Received, writePattern } from "./pattern_stream.ts";
import { type Check, expect } from "./result.ts";

const PARALLEL = 50;
/** Bytes of each of them, and how much longer each is than the one before. */
const DOWNLOAD = 1 << 20;
const LONGER = 4_099;
const HALF_CLOSE_BYTES = 100_000;
/** Refused later than this is no refusal: it is a time limit. */
const AT_ONCE = 1_000;
export const TRANSFER = 256 << 20;
const TRANSFER_PATIENCE = 60_000;

export function httpCheck(family: Family): Check {
  return { name: `HTTP, IPv${family}`, run: () => getPage(WEB[family], WEB[family]) };
}

/** The system looks the name up, in the resolv.conf that `exec` has written. */
export function httpByNameCheck(): Check {
  // The dot at the end keeps it from trying the name below the host's own domains.
  return { name: "HTTP, by name", run: () => getPage(NAME, `${NAME}.`) };
}

async function getPage(shown: string, host: string): Promise<string> {
  const { status, body } = await httpGet(host, Port.Http, "/");
  const text = new TextDecoder().decode(body);
  expect(status === 200 && text === GREETING, `status ${status}, ${body.length} bytes`);
  return `200 OK and ${body.length} bytes from ${shown}`;
}

/** The server answers only what has ended, and can answer only if no more than one direction has. */
export function halfCloseCheck(family: Family): Check {
  return {
    name: `half-close, IPv${family}`,
    async run() {
      const { bytes } = await upload(family, HALF_CLOSE_BYTES);
      return `the answer to ${bytes} bytes came after their end`;
    },
  };
}

export function refusalCheck(family: Family): Check {
  return {
    name: `closed port, IPv${family}`,
    async run() {
      const started = performance.now();
      try {
        (await Deno.connect({ hostname: WEB[family], port: Port.Closed })).close();
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        const took = Math.round(performance.now() - started);
        expect(took < AT_ONCE, `refused only after ${took} ms`);
        return "connection refused, at once";
      }
      throw new Error("connected, although nobody listens there");
    },
  };
}

export function parallelCheck(family: Family): Check {
  return {
    name: `${PARALLEL} downloads at once, IPv${family}`,
    patience: TRANSFER_PATIENCE,
    async run() {
      const lengths = Array.from({ length: PARALLEL }, (_, index) => DOWNLOAD + index * LONGER);
      await Promise.all(lengths.map((length) => download(family, length)));
      const total = lengths.reduce((sum, length) => sum + length, 0);
      return `${megabytes(total)}, every SHA-256 is right`;
    },
  };
}

async function download(family: Family, length: number): Promise<void> {
  const { body } = await httpGet(WEB[family], Port.Http, `/bytes/${length}`);
  const [seen, expected] = await Promise.all([body, patternOf(length)].map(sha256));
  expect(seen === expected, `${body.length} of ${length} bytes, with a wrong SHA-256`);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

export function uploadCheck(family: Family): Check {
  return transferCheck("upload", family, upload);
}

export function downloadCheck(family: Family): Check {
  return transferCheck("download", family, async (family, count) => {
    using connection = await openStream(family, `down ${count}`);
    return verified(await readPattern(connection, new Uint8Array(0)), count);
  });
}

function transferCheck(
  name: string,
  family: Family,
  transfer: (family: Family, count: number) => Promise<Received>,
): Check {
  return {
    name: `${name}, IPv${family}`,
    patience: TRANSFER_PATIENCE,
    async run() {
      const started = performance.now();
      const { bytes } = await transfer(family, TRANSFER);
      const seconds = (performance.now() - started) / 1000;
      const bitsPerSecond = Math.round(bytes * 8 / seconds);
      return { seen: `${megabytes(bytes)} in one stream, every byte is right`, bitsPerSecond };
    },
  };
}

async function upload(family: Family, count: number): Promise<Received> {
  using connection = await openStream(family, "up");
  await writePattern(connection, count);
  await connection.closeWrite();
  const answer = await new Response(connection.readable).text();
  expect(answer !== "", "the server's answer did not come");
  return verified(JSON.parse(answer) as Received, count);
}

function verified(received: Received, count: number): Received {
  expect(received.bytes === count, `${received.bytes} of ${count} bytes arrived`);
  expect(received.intact, `${count} bytes arrived, but not the right ones`);
  return received;
}

async function openStream(family: Family, line: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: WEB[family], port: Port.Stream });
  await connection.write(new TextEncoder().encode(`${line}\n`));
  return connection;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
