// A slow and obvious model: builds every frame of a flow from nothing, with naive sums. What segmentation makes of a
// super-packet must be what this makes of each part of its payload.

export type TunnelKind =
  | "none"
  | "vxlan"
  | "vxlan-csum"
  | "geneve"
  | "geneve-csum"
  | "gre"
  | "gre-csum"
  | "gre-key-csum"
  | "gretap"
  | "ip"
  | "fou-csum";

export interface Flow {
  readonly family: 4 | 6;
  readonly kind: "tcp" | "udp";
  readonly tunnel: TunnelKind;
  readonly outerFamily: 4 | 6;
  /** VLAN tags in the frame. */
  readonly vlans: readonly number[];
  readonly tcpOptions: readonly number[];
  readonly flags: number;
  readonly sequence: number;
  readonly id: number;
  readonly outerId: number;
  readonly fixedId: boolean;
  readonly fixedOuterId: boolean;
  readonly df: boolean;
  readonly tos: number;
  readonly ttl: number;
  /** IPv6: one destination options header of 8 bytes before the transport header. */
  readonly extension: boolean;
  /** CWR stays on every segment. */
  readonly accEcn?: boolean;
  readonly sourcePort?: number;
}

export const PLAIN: Flow = {
  family: 4,
  kind: "tcp",
  tunnel: "none",
  outerFamily: 4,
  vlans: [],
  tcpOptions: [],
  flags: 0x10,
  sequence: 1000,
  id: 7,
  outerId: 99,
  fixedId: false,
  fixedOuterId: false,
  df: true,
  tos: 0,
  ttl: 64,
  extension: false,
};

/** Which part of the payload a frame carries. */
export interface Part {
  /** Which segment, and where its payload begins. */
  readonly index: number;
  readonly offset: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export const WHOLE: Part = { index: 0, offset: 0, isFirst: true, isLast: true };

/** Where the headers of a frame of `flow` are. */
export interface Offsets {
  readonly network: number;
  readonly transport: number;
  readonly innerMac: number;
  readonly innerNetwork: number;
  readonly innerTransport: number;
  readonly payload: number;
}

const FIN = 1;
const PSH = 8;
const CWR = 0x80;

export function frameOf(flow: Flow, payload: Uint8Array, part: Part = WHOLE): Uint8Array {
  const inner = ipPacket(flow, transport(flow, payload, part), part);
  if (flow.tunnel === "none") return bytes(ethernet(flow, flow.family), inner);
  const tunnelled = tunnelPacket(flow, inner);
  const id = flow.fixedOuterId ? flow.outerId : (flow.outerId + part.index) & 0xffff;
  const outer =
    flow.outerFamily === 4
      ? ipv4(OUTER4, tunnelled.protocol, tunnelled.bytes, id, true, 0, 63)
      : ipv6(OUTER6, tunnelled.protocol, tunnelled.bytes, 0, 63, false);
  return bytes(ethernet(flow, flow.outerFamily), outer);
}

/** The frames for `payload`, `size` bytes of it in each. */
export function framesOf(flow: Flow, payload: Uint8Array, size: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset === 0 || offset < payload.length; offset += size) {
    const isLast = offset + size >= payload.length;
    const part = { index: frames.length, offset, isFirst: offset === 0, isLast };
    frames.push(frameOf(flow, payload.subarray(offset, offset + size), part));
  }
  return frames;
}

export function offsetsOf(flow: Flow): Offsets {
  const network = 14 + flow.vlans.length * 4;
  const innerIp = flow.family === 4 ? 20 : 40 + (flow.extension ? 8 : 0);
  const l4 = flow.kind === "tcp" ? 20 + flow.tcpOptions.length : 8;
  if (flow.tunnel === "none") {
    const at = network + innerIp;
    return { network, transport: at, innerMac: -1, innerNetwork: -1, innerTransport: -1, payload: at + l4 };
  }
  const transport = network + (flow.outerFamily === 4 ? 20 : 40);
  const shape = SHAPES[flow.tunnel];
  const innerMac = transport + shape.header;
  const innerNetwork = innerMac + (shape.ethernet ? 14 : 0);
  const innerTransport = innerNetwork + innerIp;
  return { network, transport, innerMac, innerNetwork, innerTransport, payload: innerTransport + l4 };
}

/** Bytes of UDP or GRE and tunnel header, and whether an Ethernet header follows. */
const SHAPES: Record<Exclude<TunnelKind, "none">, { header: number; ethernet: boolean }> = {
  vxlan: { header: 16, ethernet: true },
  "vxlan-csum": { header: 16, ethernet: true },
  geneve: { header: 24, ethernet: true },
  "geneve-csum": { header: 24, ethernet: true },
  gre: { header: 4, ethernet: false },
  "gre-csum": { header: 8, ethernet: false },
  "gre-key-csum": { header: 12, ethernet: false },
  gretap: { header: 4, ethernet: true },
  ip: { header: 0, ethernet: false },
  "fou-csum": { header: 8, ethernet: false },
};

interface Addresses {
  readonly source: readonly number[];
  readonly destination: readonly number[];
}

const INNER4: Addresses = { source: [10, 0, 0, 1], destination: [10, 0, 0, 2] };
const OUTER4: Addresses = { source: [192, 0, 2, 1], destination: [192, 0, 2, 2] };
const INNER6: Addresses = { source: [0xfd, ...zeros(14), 1], destination: [0xfd, ...zeros(14), 2] };
const OUTER6: Addresses = {
  source: [0x20, 1, 0x0d, 0xb8, ...zeros(11), 1],
  destination: [0x20, 1, 0x0d, 0xb8, ...zeros(11), 2],
};

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

function u16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

function bytes(...parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The Internet checksum of `parts` one after the other, each of an even length but the last. */
export function naiveChecksum(...parts: readonly (readonly number[] | Uint8Array)[]): number {
  const all = bytes(...parts);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) {
    sum += (all[i]! << 8) | (all[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
}

function ethernet(flow: Flow, family: 4 | 6): Uint8Array {
  const type = family === 4 ? 0x0800 : 0x86dd;
  const tags = flow.vlans.flatMap((id) => [...u16(0x8100), ...u16(id)]);
  return bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], tags, u16(type));
}

function pseudo(family: 4 | 6, addresses: Addresses, protocol: number, length: number): Uint8Array {
  const both = [...addresses.source, ...addresses.destination];
  if (family === 4) return bytes(both, [0, protocol], u16(length));
  return bytes(both, u32(length), [0, 0, 0, protocol]);
}

function transport(flow: Flow, payload: Uint8Array, part: Part): Uint8Array {
  const addresses = flow.family === 4 ? INNER4 : INNER6;
  const ports = [...u16(flow.sourcePort ?? 4000), ...u16(5000)];
  if (flow.kind === "udp") {
    const length = 8 + payload.length;
    const segment = bytes(ports, u16(length), [0, 0], payload);
    const sum = naiveChecksum(pseudo(flow.family, addresses, 17, length), segment);
    return patched(segment, 6, sum === 0 ? 0xffff : sum);
  }
  let flags = flow.flags;
  if (!part.isLast) flags &= ~(FIN | PSH);
  if (!part.isFirst && flow.accEcn !== true) flags &= ~CWR;
  const doff = (20 + flow.tcpOptions.length) / 4;
  const header = [
    ...ports,
    ...u32((flow.sequence + part.offset) >>> 0),
    ...u32(77),
    (doff << 4) | (flags >> 8),
    flags & 0xff,
    ...u16(512),
    0,
    0,
    0,
    0,
  ];
  const segment = bytes(header, flow.tcpOptions, payload);
  return patched(segment, 16, naiveChecksum(pseudo(flow.family, addresses, 6, segment.length), segment));
}

function ipPacket(flow: Flow, payload: Uint8Array, part: Part): Uint8Array {
  const protocol = flow.kind === "tcp" ? 6 : 17;
  const id = flow.fixedId ? flow.id : (flow.id + part.index) & 0xffff;
  return flow.family === 4
    ? ipv4(INNER4, protocol, payload, id, flow.df, flow.tos, flow.ttl)
    : ipv6(INNER6, protocol, payload, flow.tos, flow.ttl, flow.extension);
}

function ipv4(
  addresses: Addresses,
  protocol: number,
  payload: Uint8Array,
  id: number,
  df: boolean,
  tos: number,
  ttl: number,
): Uint8Array {
  const header = [
    0x45,
    tos,
    ...u16(20 + payload.length),
    ...u16(id),
    ...u16(df ? 0x4000 : 0),
    ttl,
    protocol,
    0,
    0,
    ...addresses.source,
    ...addresses.destination,
  ];
  return bytes(patched(bytes(header), 10, naiveChecksum(header)), payload);
}

function ipv6(
  addresses: Addresses,
  protocol: number,
  payload: Uint8Array,
  tos: number,
  hopLimit: number,
  extension: boolean,
): Uint8Array {
  // PadN of 4 bytes.
  const options = extension ? [protocol, 0, 1, 4, 0, 0, 0, 0] : [];
  const length = options.length + payload.length;
  const first = [0x60 | (tos >> 4), ((tos & 0xf) << 4) | 0x1, 0x23, 0x45];
  const header = [...first, ...u16(length), extension ? 60 : protocol, hopLimit];
  return bytes(header, addresses.source, addresses.destination, options, payload);
}

function tunnelPacket(flow: Flow, inner: Uint8Array): { protocol: number; bytes: Uint8Array } {
  const { tunnel } = flow;
  const etherType = flow.family === 4 ? 0x0800 : 0x86dd;
  const frame = bytes([2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1], u16(etherType), inner);
  switch (tunnel) {
    case "vxlan":
    case "vxlan-csum":
      return udpTunnel(flow, 4789, [8, 0, 0, 0, 0, 0, 42, 0], frame, tunnel === "vxlan-csum");
    case "geneve":
    case "geneve-csum": {
      const header = [2, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 1, 9, 8, 7, 6];
      return udpTunnel(flow, 6081, header, frame, tunnel === "geneve-csum");
    }
    case "fou-csum":
      return udpTunnel(flow, 5555, [], inner, true);
    case "gretap":
      return { protocol: 47, bytes: bytes([0, 0, 0x65, 0x58], frame) };
    case "gre":
      return { protocol: 47, bytes: bytes([0, 0], u16(etherType), inner) };
    case "gre-csum":
    case "gre-key-csum": {
      const key = tunnel === "gre-csum" ? [] : [0, 0, 1, 2];
      const packet = bytes([tunnel === "gre-csum" ? 0x80 : 0xa0, 0], u16(etherType), [0, 0, 0, 0], key, inner);
      return { protocol: 47, bytes: patched(packet, 4, naiveChecksum(packet)) };
    }
    default:
      return { protocol: flow.family === 4 ? 4 : 41, bytes: inner };
  }
}

function udpTunnel(
  flow: Flow,
  port: number,
  header: readonly number[],
  inner: Uint8Array,
  checksum: boolean,
): { protocol: number; bytes: Uint8Array } {
  const length = 8 + header.length + inner.length;
  const packet = bytes(u16(50_000), u16(port), u16(length), [0, 0], header, inner);
  if (!checksum) return { protocol: 17, bytes: packet };
  const addresses = flow.outerFamily === 4 ? OUTER4 : OUTER6;
  const sum = naiveChecksum(pseudo(flow.outerFamily, addresses, 17, length), packet);
  return { protocol: 17, bytes: patched(packet, 6, sum === 0 ? 0xffff : sum) };
}

function patched(packet: Uint8Array, at: number, value: number): Uint8Array {
  packet[at] = value >> 8;
  packet[at + 1] = value & 0xff;
  return packet;
}
