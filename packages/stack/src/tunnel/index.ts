/**
 * Tunnel devices of a host: VXLAN, Geneve, GRE, GRE-TAP, NVGRE, ERSPAN, IPIP, SIT, 6to4, ip6tnl, and FOU and GUE around those.
 *
 * @packageDocumentation
 */
export { createTunnel, TunnelDevice, type TunnelDeviceOptions } from "./device.ts";
export { createVxlan, VxlanNetwork, type VxlanNetworkConfig } from "./vxlan.ts";
