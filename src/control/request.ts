/** What can be asked over the control socket: one of these lines. */

export const Request = {
  /** Answered with a `TunnelStatus`. */
  Status: '{"get":"status"}',
  /** Answered at once; the tunnel ends afterwards. */
  Stop: '{"do":"stop"}',
  /** A tunnel that would undo itself stays. */
  Confirm: '{"do":"confirm"}',
} as const;

export type Request = (typeof Request)[keyof typeof Request];

/** What is answered to a request to do something. */
export type Answer = { readonly ok: true } | { readonly error: string };
