import { ethernet, udp } from "@seville/packet";
import type { Tunnel } from "./config.ts";
import type { Encapsulation } from "./encapsulation.ts";
import { outerIpLength } from "./outer-ip.ts";
import type { TunnelPolicy } from "./presets.ts";
import { secondaryLength } from "./secondary.ts";

/** Bytes that a tunnel adds, at most. */
export interface Overhead {
  /** Outer IP header with its options. */
  readonly ip: number;
  /** From behind the outer IP header to the inner packet: UDP, tunnel header, options. */
  readonly tunnel: number;
  /** The inner Ethernet header, which is within the underlay's MTU. */
  readonly ethernet: number;
  /** Headroom that wrapping takes: {@link Overhead.ip} and {@link Overhead.tunnel} (T11). */
  readonly headroom: number;
  /** What the underlay's MTU loses: 50 for VXLAN over IPv4, 70 over IPv6, 24 for GRE (T10). */
  readonly mtu: number;
}

export function overheadOf(tunnel: Tunnel, policy: TunnelPolicy, encapsulation: Encapsulation): Overhead {
  const encap = "encap" in tunnel ? tunnel.encap : undefined;
  const isUdp = tunnel.kind === "vxlan" || tunnel.kind === "geneve";
  const ip = outerIpLength(policy.isIpv4, policy.encapsulationLimit);
  const header = encapsulation.headerLength(tunnel) + secondaryLength(encap) + (isUdp ? udp.HEADER_LENGTH : 0);
  const frame = encapsulation.isEthernet(tunnel) ? ethernet.HEADER_LENGTH : 0;
  return { ip, tunnel: header, ethernet: frame, headroom: ip + header, mtu: ip + header + frame };
}
