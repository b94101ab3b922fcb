/**
 * Tunnels: packets in packets. Headers as codecs, encapsulation in place, decapsulation without a copy.
 *
 * - {@link TunnelEndpoint}: one end of one tunnel, configured with `ip link`'s names
 * - the codecs `vxlan`, `gre`, `nvgre`, `erspan`, `geneve`, `gue`, `sixToFour`, `encapsulationLimit`
 * - policies: ECN, source ports, outer fields, MTU and ICMP too-big, recursion, alignment
 *
 * @packageDocumentation
 */
export * from "./header/index.ts";
export * from "./tunnel/index.ts";
export * from "./policy/index.ts";
export * from "./align/index.ts";
export * from "./dissect/index.ts";
export * from "./vxlan-device/index.ts";
