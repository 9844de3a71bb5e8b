/** What is measured beside one another in a run. */

import { DEFAULT_ENGINE, type Options, type Peer } from "./options.ts";

export interface Ztun {
  /** Flags of `ztun up`. */
  flags: readonly string[];
}

/** A way from the clients to the destinations. `direct` and `proxy` have no tunnel. */
export type Variant =
  | { kind: "direct" | "proxy"; name: string }
  | { kind: "ztun"; name: string; ztun: Ztun }
  | { kind: "peer"; name: string; peer: Peer };

/** What tells variants apart, without how they are started. */
export type Contestant = Pick<Variant, "kind" | "name">;

/** No tunnel and no proxy, the proxy without a tunnel, the peers, and ztun in each of its shapes. */
export function variantsOf(options: Pick<Options, "engines" | "workers" | "peers">): Variant[] {
  return [
    { kind: "direct", name: "direct" },
    { kind: "proxy", name: "proxy" },
    ...options.peers.map((peer): Variant => ({ kind: "peer", name: peer.name, peer })),
    ...options.engines.flatMap((engine) =>
      options.workers.length === 0
        ? [ztunVariant(engine, undefined)]
        : options.workers.map((workers) => ztunVariant(engine, workers))
    ),
  ];
}

function ztunVariant(engine: string, workers: number | undefined): Variant {
  const names = ["ztun"];
  const flags: string[] = [];
  if (engine !== DEFAULT_ENGINE) {
    names.push(engine);
    flags.push("--engine", engine);
  }
  if (workers !== undefined) {
    names.push(`w${workers}`);
    flags.push("--workers", String(workers));
  }
  return { kind: "ztun", name: names.join("-"), ztun: { flags } };
}

/** In words; `server` is the name of the SOCKS5 server when it is not our own. */
export function about(variant: Variant, server: string | undefined): string {
  switch (variant.kind) {
    case "direct":
      return "no tunnel and no proxy";
    case "proxy":
      return `the SOCKS5 server of all the others (${server ?? "`ztun socks`"}), without a tunnel`;
    case "peer":
      return `${variant.peer.title}, MTU ${variant.peer.mtu}`;
    case "ztun":
      return `\`${["ztun up", ...variant.ztun.flags].join(" ")}\`, MTU 1500`;
  }
}

/** With what each ztun is compared: the proxy alone, and each peer. */
export function isReference({ kind }: Contestant): boolean {
  return kind === "proxy" || kind === "peer";
}
