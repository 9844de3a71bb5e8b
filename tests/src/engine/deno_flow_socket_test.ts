/** The socket on Deno's own reads and writes. */

import { flowSocketContract } from "../../support/flow_socket_contract.ts";

flowSocketContract("deno");
