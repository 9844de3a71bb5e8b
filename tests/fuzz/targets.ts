/** Everything that can be fuzzed. */

import { messageTarget, streamTarget, transactionsTarget } from "./dns_targets.ts";
import { plainPacketsTarget, vnetPacketsTarget } from "./packets_target.ts";
import { datagramTarget, handshakeTarget } from "./socks5_targets.ts";
import type { FuzzTarget } from "./target.ts";
import { addressTarget, configTarget, jsoncTarget, proxyUrlTarget } from "./text_targets.ts";

export const targets: readonly FuzzTarget[] = [
  plainPacketsTarget,
  vnetPacketsTarget,
  handshakeTarget,
  datagramTarget,
  messageTarget,
  streamTarget,
  transactionsTarget,
  configTarget,
  jsoncTarget,
  proxyUrlTarget,
  addressTarget,
];
