/**
 * What the two halves of `exec` say to each other over their socket, as JSON:
 *
 *   outside → inside   the configuration
 *   inside → outside   "ready", with the TUN's descriptor; or an error, and that was it
 *   outside → inside   "go": somebody serves the TUN
 *   inside → outside   nothing, and the end: the command runs; or an error: it cannot be run
 */

import type { TunSettings } from "../config/settings.ts";
import { type ExitCode, UserError } from "../errors.ts";

export interface InsideConfig {
  readonly tun: Omit<TunSettings, "fd">;
  readonly resolvConf: string;
}

export interface WireError {
  readonly message: string;
  readonly causes: readonly string[];
  /** Only errors that a user can mend have these two. */
  readonly exitCode?: ExitCode;
  readonly hint?: string;
  readonly stack?: string;
}

export type InsideReport =
  | {
    readonly kind: "ready";
    readonly steps: readonly string[];
    readonly warnings: readonly string[];
  }
  | { readonly kind: "error"; readonly error: WireError };

export function encode(message: InsideConfig | InsideReport | "go"): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** Both halves are the same program: what arrives is what was sent, and is not checked again. */
export function decode<T extends InsideConfig | InsideReport | "go">(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes));
}

export function errorToWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: String(error), causes: [] };
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    causes.push(cause.message);
  }
  const { message, stack } = error;
  if (!(error instanceof UserError)) return { message, causes, ...(stack ? { stack } : {}) };
  const { exitCode, hint } = error;
  return { message, causes, exitCode, ...(hint === undefined ? {} : { hint }) };
}

export function errorFromWire(wire: WireError): Error {
  const cause = wire.causes.reduceRight<Error | undefined>(
    (inner, message) => new Error(message, inner === undefined ? {} : { cause: inner }),
    undefined,
  );
  if (wire.exitCode === undefined) {
    const error = new Error(wire.message, { cause });
    if (wire.stack !== undefined) error.stack = wire.stack;
    return error;
  }
  return new UserError(wire.message, {
    cause,
    exitCode: wire.exitCode,
    ...(wire.hint === undefined ? {} : { hint: wire.hint }),
  });
}
