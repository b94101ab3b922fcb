export type { HeaderFault } from "./fault.ts";
export * from "./numbers.ts";
export * as arp from "./arp.ts";
export * as ethernet from "./ethernet.ts";
export * as ipv4 from "./ipv4.ts";
export * as ipv6 from "./ipv6.ts";
export * as udp from "./udp.ts";
export * as vlan from "./vlan.ts";
