/** The socket on io_uring. */

import { flowSocketContract } from "../../support/flow_socket_contract.ts";

flowSocketContract("uring");
