/** Who has which address in the bench's network. */

export const PROXY = "10.99.0.2";
export const PROXY_PORT = 1080;
/** A documentation address behind the proxy, and the network that is routed into the tunnels. */
export const WEB = "203.0.113.10";
export const DESTINATIONS = "203.0.113.0/28";
export const HTTP_PORT = 80;
export const IPERF_PORT = 5201;
export const ECHO_PORT = 7;
export const ECHO = `${WEB}:${ECHO_PORT}`;
