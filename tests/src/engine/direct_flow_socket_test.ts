/** The socket that reads and writes through its descriptor. */

import { flowSocketContract } from "../../support/flow_socket_contract.ts";

flowSocketContract("async");
