/** What Deno's own sockets do not offer, and the demo's clients therefore get as an argument. */

export interface DatagramClient {
  /** The next datagram after ours; undefined after so many milliseconds of silence. */
  ask(datagram: Uint8Array, patience: number): Promise<Uint8Array | undefined>;
  close(): void;
}

export interface Datagrams {
  /** Connected: what ICMP says of the other end is thrown by `ask`. */
  udp(host: string, port: number): DatagramClient;
  /** Whether an echo request with this payload was answered with the same. */
  ping(host: string, payload: Uint8Array, patience: number): Promise<boolean>;
  /** Whether an error of the two above says that nobody listens on the port. */
  isRefusal(error: unknown): boolean;
  /** Whether it says that this user may not ping. */
  isForbidden(error: unknown): boolean;
}
