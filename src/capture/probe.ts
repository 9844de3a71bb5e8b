/**
 * Proves that the tunnel carries what programs send: TCP, names, and UDP where the proxy relays it.
 *
 * The questions are asked as any program of the host would ask them, by sockets that nobody has marked. An
 * answer that says "server failure" proves nothing: the tunnel says so itself when it cannot get through.
 */

import { type Address, formatAddress, parseAddress } from "../addr/address.ts";
import { UserError } from "../errors.ts";
import { Rcode, readRcode } from "../wire/dns.ts";
import { composeQuery, TYPE_NS } from "../wire/dns_query.ts";
import { questionsEnd } from "../wire/dns_records.ts";
import { askOverTcp, type AskServer, failureText, udpAsker, within } from "./dns_exchange.ts";

export interface ProbeOptions {
  readonly device: string;
  /** DNS servers that are reached through the tunnel: all are asked at once, and one answer will do. */
  readonly servers: readonly string[];
  readonly udpRelayed: boolean;
  /** For all of it. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly io?: ProbeIo;
}

export interface ProbeIo {
  readonly udp: AskServer;
  readonly tcp: AskServer;
  readonly port: number;
  now(): number;
}

export type ProbeName = "TCP" | "DNS" | "UDP";

export type ProbeStep =
  | {
    readonly name: ProbeName;
    readonly state: "ok";
    /** Who answered. */
    readonly server: string;
    readonly ms: number;
  }
  | { readonly name: ProbeName; readonly state: "not-relayed" }
  | { readonly name: ProbeName; readonly state: "failed"; readonly reason: string };

export interface ProbeReport {
  readonly device: string;
  readonly ok: boolean;
  readonly steps: readonly ProbeStep[];
}

const TIMEOUT_MS = 10_000;
const DNS_PORT = 53;

const HOST_IO: ProbeIo = {
  udp: udpAsker(0),
  tcp: askOverTcp,
  port: DNS_PORT,
  now: () => performance.now(),
};

/** Rejects only when its signal comes. */
export async function probeTunnel(options: ProbeOptions): Promise<ProbeReport> {
  const { device, udpRelayed, timeoutMs = TIMEOUT_MS, signal, io = HOST_IO } = options;
  const servers = options.servers.map(parseAddress).filter((address) => address !== undefined);
  const [tcp, dns] = await within(timeoutMs, signal, (ending) =>
    Promise.all([
      takeStep("TCP", servers, io.tcp, io, ending),
      takeStep("DNS", servers, io.udp, io, ending),
    ]));
  signal?.throwIfAborted();
  // The very datagrams that names were asked by, if they went as such.
  const udp: ProbeStep = udpRelayed
    ? { ...dns, name: "UDP" }
    : { name: "UDP", state: "not-relayed" };
  const steps = [tcp, dns, udp];
  return { device, ok: steps.every(({ state }) => state !== "failed"), steps };
}

/** Asks all servers at once; with the first answer the others are let go. */
async function takeStep(
  name: ProbeName,
  servers: readonly Address[],
  ask: AskServer,
  io: ProbeIo,
  ending: AbortSignal,
): Promise<ProbeStep> {
  const start = io.now();
  const enough = new AbortController();
  const signal = AbortSignal.any([ending, enough.signal]);
  const asked = servers.map((address) => askOne({ address, port: io.port }, ask, signal));
  try {
    const server = await Promise.any(asked);
    return { name, state: "ok", server: formatAddress(server), ms: io.now() - start };
  } catch (error) {
    return { name, state: "failed", reason: reasonOf(servers, error as AggregateError) };
  } finally {
    enough.abort();
    await Promise.allSettled(asked);
  }
}

/** The server's address, once it has answered. */
async function askOne(
  server: { address: Address; port: number },
  ask: AskServer,
  signal: AbortSignal,
): Promise<Address> {
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const answer = await ask(server, composeQuery(id, ".", TYPE_NS), signal);
  if (questionsEnd(answer, 0, answer.length) < 0) throw new Error("an answer that is none");
  if (readRcode(answer, 0) === Rcode.ServFail) throw new Error("server failure");
  return server.address;
}

function reasonOf(servers: readonly Address[], { errors }: AggregateError): string {
  if (servers.length === 0) return "there is no DNS server to ask";
  return servers.map((server, index) => `${formatAddress(server)}: ${failureText(errors[index])}`)
    .join("; ");
}

/** One line for each step. */
export function describeProbe({ device, steps }: ProbeReport): string[] {
  return steps.map((step) => `${step.name} through ${device}: ${describeStep(step)}`);
}

function describeStep(step: ProbeStep): string {
  switch (step.state) {
    case "ok":
      return `${step.server} answered in ${Math.round(step.ms)} ms`;
    case "not-relayed":
      return "not relayed by the proxy";
    case "failed":
      return step.reason;
  }
}

/** What to tell the user of a probe that is not `ok`. */
export function probeFailure({ device, steps }: ProbeReport): UserError {
  const failed = steps.filter((step) => step.state === "failed");
  const [first] = failed;
  if (first === undefined) throw new TypeError("Nothing failed in this probe");
  return new UserError(
    `${first.name} does not get through the tunnel ${device}: ${first.reason}`,
    { hint: hintFor(failed.map(({ name }) => name)) },
  );
}

function hintFor(failed: readonly ProbeName[]): string {
  // Only datagrams fail: a proxy that says that it relays them, and does not.
  if (failed.includes("UDP") && !failed.includes("TCP")) {
    return "`--udp off` sends names over TCP; `--no-probe` starts without this proof";
  }
  return "Take a DNS server that the proxy can reach, such as `--dns-server 9.9.9.9`; " +
    "`--no-probe` starts without this proof";
}
