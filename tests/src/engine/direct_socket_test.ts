/** The socket that reads and writes through its descriptor. */

import { proxySocketContract } from "../../support/proxy_socket_contract.ts";

proxySocketContract("async");
