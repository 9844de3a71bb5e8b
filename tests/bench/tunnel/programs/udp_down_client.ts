/**
 * Asks for datagrams with one of its own, counts those that come, and prints how many there were and over
 * how many seconds they came.
 *
 *     udp_down_client.ts IP:PORT [--socks IP:PORT]
 */

import { loadArguments } from "./arguments.ts";
import { sayResult } from "./say.ts";
import { UdpClient } from "./udp_client.ts";
import { countDatagrams } from "./udp_flow.ts";

const { values: [to], socks } = loadArguments(Deno.args);
const client = new UdpClient(to!, socks);
client.socket.sender(client.message(1, 1), 1).sendOne();
sayResult(countDatagrams(client.socket));
client.close();
