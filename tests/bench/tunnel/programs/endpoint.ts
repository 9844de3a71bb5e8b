/** An IPv4 address with a port, as text and as the kernel's `struct sockaddr_in`. */

export interface Endpoint {
  host: string;
  port: number;
}

const AF_INET = 2;
export const SOCKADDR_SIZE = 16;

export function parseEndpoint(text: string): Endpoint {
  const [host = "", port = ""] = text.split(":");
  if (!/^\d+(\.\d+){3}$/.test(host) || !/^\d+$/.test(port)) throw new Error(`Not IP:PORT: ${text}`);
  return { host, port: Number(port) };
}

/** In a buffer that V8 does not move. */
export function socketAddress({ host, port }: Endpoint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(octets(host), 4);
  return bytes;
}

export function octets(host: string): Uint8Array {
  return Uint8Array.from(host.split("."), Number);
}
