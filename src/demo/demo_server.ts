/** What the demo's servers have in common. */

export interface DemoServer {
  readonly hostname: string;
  readonly port: number;
  /** Resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** The two ways in which Deno says that a socket was closed under an operation, or before it. */
export function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource;
}
