/** The socket on Deno's own reads and writes. */

import { proxySocketContract } from "../../support/proxy_socket_contract.ts";

proxySocketContract("deno");
