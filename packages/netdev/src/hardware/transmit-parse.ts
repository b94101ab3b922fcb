/** How far a NIC's parser goes. */
export interface ParserLimits {
  /** Destination ports that it takes for VXLAN. */
  readonly vxlanPorts: readonly number[];
  /** Destination ports that it takes for Geneve. */
  readonly genevePorts: readonly number[];
  readonly gre: boolean;
  /** Tunnels that it looks into. */
  readonly tunnelDepth: number;
  /** Bytes from the frame's beginning to the end of the checksum field. */
  readonly maxHeaderBytes: number;
  readonly vlanTags: number;
  readonly ipv6Extensions: boolean;
}

/** A TCP or UDP header that a parser has found. Offsets are absolute. */
export interface FoundTransport {
  readonly start: number;
  readonly csumOffset: number;
  readonly ipVersion: 4 | 6;
  /** Bytes of the IP header, with options or extension headers. */
  readonly networkHeaderBytes: number;
  /** Tunnels around it. */
  readonly depth: number;
}

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const ETH_P_8021Q = 0x8100;
const ETH_P_8021AD = 0x88a8;
const ETH_P_TEB = 0x6558;
const TCP = 6;
const UDP = 17;
const GRE = 47;
/** IPv6 extension headers whose length is in units of 8 bytes: hop-by-hop, routing, destination options. */
const IPV6_EXTENSIONS: readonly number[] = [0, 43, 60];

/**
 * The innermost TCP or UDP header that a NIC with these limits recognises in the frame `[at, end)`, whatever the stack
 * asked for (C22). `undefined`: none.
 */
export function recognise(view: DataView, at: number, end: number, limits: ParserLimits): FoundTransport | undefined {
  const found = ethernet(view, at, end, 0, limits);
  if (found === undefined) return undefined;
  return found.start + found.csumOffset + 2 - at <= limits.maxHeaderBytes ? found : undefined;
}

function ethernet(
  view: DataView,
  at: number,
  end: number,
  depth: number,
  limits: ParserLimits,
): FoundTransport | undefined {
  let type = at + 12;
  for (let tags = 0; type + 2 <= end; tags++, type += 4) {
    const value = view.getUint16(type);
    if (value !== ETH_P_8021Q && value !== ETH_P_8021AD) return network(view, type + 2, end, value, depth, limits);
    if (tags === limits.vlanTags) return undefined;
  }
  return undefined;
}

function network(
  view: DataView,
  at: number,
  end: number,
  etherType: number,
  depth: number,
  limits: ParserLimits,
): FoundTransport | undefined {
  if (etherType === ETH_P_TEB) return ethernet(view, at, end, depth, limits);
  if (etherType === ETH_P_IP) return ipv4(view, at, end, depth, limits);
  if (etherType === ETH_P_IPV6) return ipv6(view, at, end, depth, limits);
  return undefined;
}

function ipv4(
  view: DataView,
  at: number,
  end: number,
  depth: number,
  limits: ParserLimits,
): FoundTransport | undefined {
  if (at + 20 > end) return undefined;
  const headerBytes = (view.getUint8(at) & 0xf) * 4;
  // A fragment has no transport header, or only a part of what it covers.
  const isFragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
  if (view.getUint8(at) >>> 4 !== 4 || headerBytes < 20 || isFragment) return undefined;
  const network = { ipVersion: 4, networkHeaderBytes: headerBytes, depth } as const;
  return transport(view, at + headerBytes, end, view.getUint8(at + 9), network, limits);
}

function ipv6(
  view: DataView,
  at: number,
  end: number,
  depth: number,
  limits: ParserLimits,
): FoundTransport | undefined {
  if (at + 40 > end || view.getUint8(at) >>> 4 !== 6) return undefined;
  let nextHeader = view.getUint8(at + 6);
  let next = at + 40;
  while (IPV6_EXTENSIONS.includes(nextHeader)) {
    if (!limits.ipv6Extensions || next + 8 > end) return undefined;
    nextHeader = view.getUint8(next);
    next += (view.getUint8(next + 1) + 1) * 8;
  }
  return transport(view, next, end, nextHeader, { ipVersion: 6, networkHeaderBytes: next - at, depth }, limits);
}

type Network = Pick<FoundTransport, "ipVersion" | "networkHeaderBytes" | "depth">;

function transport(
  view: DataView,
  at: number,
  end: number,
  protocol: number,
  network: Network,
  limits: ParserLimits,
): FoundTransport | undefined {
  const mayEnter = network.depth < limits.tunnelDepth;
  if (protocol === TCP && at + 20 <= end) return { start: at, csumOffset: 16, ...network };
  if (protocol === UDP && at + 8 <= end) {
    const inner = mayEnter ? insideUdp(view, at, end, network.depth + 1, limits) : undefined;
    return inner ?? { start: at, csumOffset: 6, ...network };
  }
  if (protocol === GRE && limits.gre && mayEnter) return insideGre(view, at, end, network.depth + 1, limits);
  return undefined;
}

function insideUdp(
  view: DataView,
  at: number,
  end: number,
  depth: number,
  limits: ParserLimits,
): FoundTransport | undefined {
  if (at + 16 > end) return undefined;
  const port = view.getUint16(at + 2);
  if (limits.vxlanPorts.includes(port)) return ethernet(view, at + 16, end, depth, limits);
  if (!limits.genevePorts.includes(port)) return undefined;
  const optionBytes = (view.getUint8(at + 8) & 0x3f) * 4;
  return network(view, at + 16 + optionBytes, end, view.getUint16(at + 10), depth, limits);
}

function insideGre(
  view: DataView,
  at: number,
  end: number,
  depth: number,
  limits: ParserLimits,
): FoundTransport | undefined {
  if (at + 4 > end) return undefined;
  const flags = view.getUint16(at);
  // Checksum, key, sequence; anything else is not plain GRE version 0.
  if ((flags & 0x4fff) !== 0) return undefined;
  const words = (flags >>> 15) + ((flags >>> 13) & 1) + ((flags >>> 12) & 1);
  return network(view, at + 4 + words * 4, end, view.getUint16(at + 2), depth, limits);
}
