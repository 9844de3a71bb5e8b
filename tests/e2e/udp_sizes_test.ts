/** Datagrams of every single size; `udp_test.ts` has some of them through other servers. */

import { e2eThrough } from "../support/e2e.ts";
import { ztunSocks } from "../support/proxies.ts";
import { echoSizes } from "../support/udp_echo.ts";

e2eThrough("UDP echo of every size from 0 to 65507, IPv4 and IPv6", ztunSocks, (it) => {
  return echoSizes(it, 1);
});
