/**
 * Counts the datagrams that come. Prints its port at once, and when they have ceased, how many there were
 * and over how many seconds they came.
 *
 *     udp_up_server.ts IP
 */

import { say, sayResult } from "./say.ts";
import { countDatagrams } from "./udp_flow.ts";
import { UdpSocket } from "./udp_socket.ts";

const socket = new UdpSocket();
say(`port ${socket.bind(Deno.args[0]!)}`);
sayResult(countDatagrams(socket));
