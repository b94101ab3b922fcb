import { invalidArgument } from "@seville/core";
import { isIpv4 } from "@seville/packet";
import { DEFAULT_LIMIT } from "../header/encapsulation-limit.ts";
import { GPE_PORT, PORT as VXLAN_PORT } from "../header/vxlan.ts";
import { PORT as GENEVE_PORT } from "../header/geneve.ts";
import type { OuterPolicy } from "../policy/outer.ts";
import { checkPortRange, DYNAMIC_PORTS, LINUX_PORTS, type PortRange } from "../policy/source-port.ts";
import type { Tunnel } from "./config.ts";

/** Whose defaults: those of the kernel, or what the RFCs recommend. */
export type Preset = "linux" | "rfc";

/** A tunnel's policies with nothing left out. */
export interface TunnelPolicy extends OuterPolicy {
  readonly isIpv4: boolean;
  /** A checksum on the outer UDP header. */
  readonly udpChecksum: boolean;
  /** An outer UDP checksum of 0 is taken. */
  readonly zeroChecksumAccepted: boolean;
  readonly sourcePorts: PortRange;
  /** 0 for tunnels without UDP. */
  readonly destinationPort: number;
  /** `undefined`: no such option. */
  readonly encapsulationLimit: number | undefined;
}

/**
 * Fills in what `tunnel` leaves out.
 *
 * `linux`: as `ip link add` does. IP tunnels inherit the TTL and set DF, VXLAN and Geneve take the route's TTL and leave DF
 * unset; ECN as RFC 3168, except that GRE over IPv6 leaves the field to `tos`. UDP checksums: VXLAN on, Geneve over IPv4 off. Ports from ip_local_port_range.
 *
 * `rfc`: ECN by RFC 6040; DF set (RFC 7348 §4.3, RFC 4459 §3.1: no fragments of tunnel packets); TTL of the route; no UDP
 * checksum over IPv4 (RFC 7348 §5), one over IPv6 (RFC 8200 §8.1); dynamic ports; flow labels from flows (RFC 6438).
 *
 * @throws SevilleError `ERR_INVALID_ARGUMENT` for what contradicts itself
 */
export function policyOf(tunnel: Tunnel, preset: Preset = "linux"): TunnelPolicy {
  checkTunnel(tunnel);
  const isV4 = isIpv4(tunnel.local);
  const isUdp = tunnel.kind === "vxlan" || tunnel.kind === "geneve";
  const defaults = preset === "rfc" ? rfcDefaults(isV4) : linuxDefaults(tunnel, isV4, isUdp);
  const encap = "encap" in tunnel ? tunnel.encap : undefined;
  return {
    isIpv4: isV4,
    ttl: tunnel.ttl ?? defaults.ttl,
    tos: tunnel.tos ?? defaults.tos,
    df: tunnel.df ?? defaults.df,
    flowlabel: tunnel.flowlabel ?? defaults.flowlabel,
    ecn: tunnel.ecn ?? defaults.ecn,
    udpChecksum: encap === undefined ? udpChecksum(tunnel, preset, isV4) : encap.csum === true,
    zeroChecksumAccepted: isV4 || (isUdp && tunnel.udp6zerocsumrx === true),
    sourcePorts: (isUdp ? tunnel.srcport : undefined) ?? (preset === "rfc" ? DYNAMIC_PORTS : LINUX_PORTS),
    destinationPort: encap?.dport ?? destinationPort(tunnel),
    encapsulationLimit: encapsulationLimit(tunnel, isV4),
  };
}

function rfcDefaults(isV4: boolean): OuterPolicy {
  return { ttl: "auto", tos: 0, df: "set", flowlabel: isV4 ? 0 : "auto", ecn: "rfc6040" };
}

function linuxDefaults(tunnel: Tunnel, isV4: boolean, isUdp: boolean): OuterPolicy {
  if (isUdp) return { ttl: "auto", tos: 0, df: "unset", flowlabel: 0, ecn: "linux" };
  // ip6tnl and ip6gre: hop limit 64, and a label by the flow if net.ipv6.auto_flowlabels allows it, as it does.
  if (!isV4) return { ttl: 64, tos: 0, df: "set", flowlabel: "auto", ecn: tunnel.kind === "ip6tnl" ? "linux" : "tos" };
  return { ttl: "inherit", tos: 0, df: "set", flowlabel: 0, ecn: "linux" };
}

function udpChecksum(tunnel: Tunnel, preset: Preset, isV4: boolean): boolean {
  if (tunnel.kind !== "vxlan" && tunnel.kind !== "geneve") return false;
  if (!isV4) return tunnel.udp6zerocsumtx !== true;
  return tunnel.udpcsum ?? (preset === "linux" && tunnel.kind === "vxlan");
}

function destinationPort(tunnel: Tunnel): number {
  if (tunnel.kind === "vxlan") return tunnel.dstport ?? (tunnel.gpe === true ? GPE_PORT : VXLAN_PORT);
  return tunnel.kind === "geneve" ? (tunnel.dstport ?? GENEVE_PORT) : 0;
}

/** ip6tnl and all that Linux's ip6gre carries has one; NVGRE is no device of Linux. */
function encapsulationLimit(tunnel: Tunnel, isV4: boolean): number | undefined {
  const { kind } = tunnel;
  if (isV4 || (kind !== "ip6tnl" && kind !== "gre" && kind !== "gretap" && kind !== "erspan")) return undefined;
  return tunnel.encaplimit === "none" ? undefined : (tunnel.encaplimit ?? DEFAULT_LIMIT);
}

function checkTunnel(tunnel: Tunnel): void {
  const { local, remote } = tunnel;
  if (remote !== undefined && isIpv4(local) !== isIpv4(remote)) {
    throw invalidArgument("remote", "of the same family as local", String(remote));
  }
  checkFamily(tunnel);
  checkNumber("ttl", typeof tunnel.ttl === "number" ? tunnel.ttl : 1, 1, 255);
  checkNumber("tos", typeof tunnel.tos === "number" ? tunnel.tos : 0, 0, 255);
  checkNumber("flowlabel", typeof tunnel.flowlabel === "number" ? tunnel.flowlabel : 0, 0, 0xf_ffff);
  if (tunnel.kind === "vxlan" || tunnel.kind === "geneve") {
    checkNumber("id", tunnel.id, 0, 0xff_ffff);
    checkNumber("dstport", tunnel.dstport ?? 1, 1, 65_535);
    if (tunnel.srcport !== undefined) checkPortRange(tunnel.srcport);
  }
  if (tunnel.kind === "nvgre") checkNumber("vsid", tunnel.vsid, 0, 0xff_ffff);
  if (tunnel.kind === "erspan") {
    checkNumber("key", tunnel.key ?? 0, 0, 0x3ff);
    checkNumber("index", tunnel.index ?? 0, 0, 0xf_ffff);
    checkNumber("hwid", tunnel.hwid ?? 0, 0, 0x3f);
  }
  checkExtensions(tunnel);
}

/** IPIP, SIT and 6to4 are over IPv4, ip6tnl is over IPv6. */
function checkFamily({ kind, local }: Tunnel): void {
  const needs4 = kind === "ipip" || kind === "sit" || kind === "6to4";
  if (needs4 && !isIpv4(local))
    throw invalidArgument("local", `an IPv4 address, for ${kind} is over IPv4`, String(local));
  if (kind === "ip6tnl" && isIpv4(local))
    throw invalidArgument("local", "an IPv6 address, for ip6tnl is over IPv6", local);
}

function checkExtensions(tunnel: Tunnel): void {
  if (tunnel.kind === "vxlan" && tunnel.gpe === true) {
    if (tunnel.gbp !== undefined && tunnel.gbp !== false) throw invalidArgument("gbp", "left out with gpe", tunnel.gbp);
    const remcsum = tunnel.remcsumtx === true || tunnel.remcsumrx === true;
    if (remcsum) throw invalidArgument("remcsumtx", "left out with gpe, which needs its byte otherwise", true);
  }
  const encap = "encap" in tunnel ? tunnel.encap : undefined;
  if (encap === undefined) return;
  checkNumber("encap.dport", encap.dport, 1, 65_535);
  if (encap.type === "fou" && (encap.remcsum === true || encap.direct === true)) {
    throw invalidArgument("encap", "of type gue for remcsum or direct", encap.type);
  }
  const isIp = tunnel.kind === "ipip" || tunnel.kind === "sit" || tunnel.kind === "ip6tnl";
  if (encap.direct === true && (!isIp || encap.remcsum === true)) {
    throw invalidArgument("encap.direct", "for bare IP packets without remcsum, which have no GUE header", true);
  }
}

function checkNumber(name: string, value: number, min: number, max: number): void {
  const fits = Number.isInteger(value) && value >= min && value <= max;
  if (!fits) throw invalidArgument(name, `a whole number from ${min} to ${max}`, value);
}
