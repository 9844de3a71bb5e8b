/** The socket on io_uring. */

import { proxySocketContract } from "../../support/proxy_socket_contract.ts";

proxySocketContract("uring");
