/** Numbers of the upper protocols, as they stand in IP headers. */
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMPV6 = 58;
