import { ETH_P_802_3_MIN, ETH_P_TEB, udp, type IpAddress, type Packet } from "@seville/packet";
import type { TunnelEndpoint } from "@seville/tunnel-encap";

/** What a received packet says of the tunnel to which it belongs, before anything is taken off. */
export interface OuterKeys {
  source: IpAddress;
  destination: IpAddress;
  /** VNI of VXLAN and Geneve. */
  vni: number;
  /** EtherType in the GRE header. */
  protocol: number;
  /** GRE key; `undefined`: none. */
  key: number | undefined;
  /** Session of ERSPAN; -1: it has none (type I). */
  session: number;
}

const GRE_CHECKSUM = 0x8000;
const GRE_KEY = 0x2000;
const GRE_SEQUENCE = 0x1000;
const ETH_P_ERSPAN = 0x88be;
const ETH_P_ERSPAN2 = 0x22eb;

/** Reads the VNI behind a UDP header at `data`: VXLAN and Geneve have it in the same place. */
export function readVni(packet: Packet, keys: OuterKeys): void {
  const needed = udp.HEADER_LENGTH + 8;
  keys.vni = packet.mayPull(needed) ? packet.pool.memory.view.getUint32(packet.data + needed - 4) >>> 8 : -1;
}

/** Reads what a GRE header at `data` says; a packet too short for it keeps `protocol` 0 and so belongs to nobody. */
export function readGreKeys(packet: Packet, keys: OuterKeys, family: 4 | 6): void {
  const { view } = packet.pool.memory;
  keys.protocol = 0;
  keys.key = undefined;
  keys.session = -1;
  if (!packet.mayPull(4)) return;
  const flags = view.getUint16(packet.data);
  let length = 4 + ((flags & GRE_CHECKSUM) === 0 ? 0 : 4);
  const keyAt = length;
  if ((flags & GRE_KEY) !== 0) length += 4;
  if ((flags & GRE_SEQUENCE) !== 0) length += 4;
  const protocol = view.getUint16(packet.data + 2);
  // Type I of ERSPAN has no header of its own and no GRE field, by which it is known (`is_erspan_type1`); the others begin with
  // version, VLAN, flags and session. Over IPv6 the kernel looks for a session in type III whatever GRE's fields are.
  const hasSession = isErspan(protocol) && (length > 4 || (family === 6 && protocol === ETH_P_ERSPAN2));
  if (!packet.mayPull(length + (hasSession ? 4 : 0))) return;
  keys.protocol = protocol;
  if ((flags & GRE_KEY) !== 0) keys.key = view.getUint32(packet.data + keyAt);
  if (hasSession) keys.session = view.getUint16(packet.data + length + 2) & 0x3ff;
}

/**
 * How well `endpoint` fits a packet: 0 is not at all, and one with a fixed remote fits better than one without
 * (`ip_tunnel_lookup`, `vxlan_vs_find_vni`, `geneve_lookup`).
 */
export function fits({ tunnel }: TunnelEndpoint, keys: OuterKeys): number {
  const { local, remote } = tunnel;
  // VXLAN takes a frame of its VNI from anybody: who sends is learned, not configured.
  if (tunnel.kind === "vxlan") return tunnel.id === keys.vni ? 1 : 0;
  if (local !== keys.destination || (remote !== undefined && remote !== keys.source)) return 0;
  if (!fitsKeys(tunnel, keys)) return 0;
  return remote === undefined ? 1 : 2;
}

function fitsKeys(tunnel: TunnelEndpoint["tunnel"], keys: OuterKeys): boolean {
  switch (tunnel.kind) {
    case "geneve":
      return tunnel.id === keys.vni;
    case "gre":
      return tunnel.encap !== undefined || (isNetwork(keys.protocol) && tunnel.ikey === keys.key);
    case "gretap":
      return tunnel.encap !== undefined || (keys.protocol === ETH_P_TEB && tunnel.ikey === keys.key);
    case "nvgre":
      return keys.protocol === ETH_P_TEB && keys.key !== undefined && keys.key >>> 8 === tunnel.vsid;
    case "erspan":
      return isErspan(keys.protocol) && keys.session === (tunnel.erspanVer === 0 ? -1 : (tunnel.key ?? 0));
    default:
      return true;
  }
}

function isNetwork(protocol: number): boolean {
  return protocol >= ETH_P_802_3_MIN && protocol !== ETH_P_TEB && !isErspan(protocol);
}

function isErspan(protocol: number): boolean {
  return protocol === ETH_P_ERSPAN || protocol === ETH_P_ERSPAN2;
}

/** Whether received packets could be of either of two tunnels (`vxlan_vni_in_use`, `ip_tunnel_find`). */
export function isSame({ tunnel: a }: TunnelEndpoint, { tunnel: b }: TunnelEndpoint): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === "vxlan" && b.kind === "vxlan") return a.id === b.id;
  return a.local === b.local && a.remote === b.remote && idOf(a) === idOf(b);
}

function idOf(tunnel: TunnelEndpoint["tunnel"]): number | undefined {
  switch (tunnel.kind) {
    case "geneve":
      return tunnel.id;
    case "gre":
    case "gretap":
      return tunnel.ikey;
    case "nvgre":
      return tunnel.vsid;
    case "erspan":
      return tunnel.key;
    default:
      return undefined;
  }
}
