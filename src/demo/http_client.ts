/**
 * As much of HTTP/1.1 as the demo asks for. `fetch` would do, but it heeds the proxy variables of the
 * environment and keeps connections open: both would blur what is being shown.
 */

export interface HttpResponse {
  readonly status: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** `host` is a name or an address, without brackets. */
export async function httpGet(host: string, port: number, path: string): Promise<HttpResponse> {
  using connection = await Deno.connect({ hostname: host, port });
  const authority = host.includes(":") ? `[${host}]` : host;
  const request = `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;
  await writeAll(connection, new TextEncoder().encode(request));
  return parseResponse(await new Response(connection.readable).bytes());
}

/** Throws when it is no whole response with a known length. */
export function parseResponse(bytes: Uint8Array<ArrayBuffer>): HttpResponse {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const end = head.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
  const length = /^content-length: (\d+)\r$/im.exec(head.slice(0, end + 2))?.[1];
  if (end < 0 || status === undefined || length === undefined) {
    throw new Error(`no HTTP response in ${bytes.length} bytes`);
  }
  const body = bytes.subarray(end + 4);
  if (body.length !== Number(length)) {
    throw new Error(`the response ended after ${body.length} of ${length} bytes`);
  }
  return { status: Number(status), body };
}

async function writeAll(to: Pick<Deno.Conn, "write">, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
