import {
  CHECKSUM_PARTIAL,
  compose,
  ETH_P_IP,
  SKB_GSO_TCPV4,
  SKB_GSO_UDP_L4,
  tcp,
  type Packet,
  type PacketPool,
} from "@seville/packet";

const MACS = { ethernet: { source: 0x020000000001, destination: 0x020000000002 } };
const ADDRESSES = { source: 0x0a000001, destination: 0x0a000002 };
/** Of a frame without VLAN: where IP begins, and TCP or UDP behind it. */
export const IP_AT = 14;
export const L4_AT = 34;
export const TCP_CSUM_OFFSET = 16;
export const UDP_CSUM_OFFSET = 6;

function payload(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 7) & 0xff);
}

/** A TCP frame, its checksum finished. */
export function tcpFrame(bytes: number): Uint8Array {
  return compose([
    MACS,
    { ipv4: ADDRESSES },
    { tcp: { sourcePort: 40_000, destinationPort: 80, sequence: 1, flags: tcp.ACK, window: 512 } },
    payload(bytes),
  ]);
}

export function udpFrame(bytes: number): Uint8Array {
  return compose([MACS, { ipv4: ADDRESSES }, { udp: { sourcePort: 40_000, destinationPort: 9000 } }, payload(bytes)]);
}

/** `frame` with the pseudo-header's sum in place of its checksum, as it is handed over to be finished. */
export function unfinished(frame: Uint8Array, protocol: 6 | 17): Uint8Array {
  const open = frame.slice();
  const view = new DataView(open.buffer);
  // RFC 9293 §3.1: addresses, protocol and length.
  let sum = protocol + frame.length - L4_AT;
  for (let at = IP_AT + 12; at < L4_AT; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(L4_AT + (protocol === 6 ? TCP_CSUM_OFFSET : UDP_CSUM_OFFSET), sum);
  return open;
}

/** A packet of the pool with this frame and the metadata that the stack would have set. */
export function packetOf(pool: PacketPool, frame: Uint8Array, protocol: 6 | 17, gsoSize = 0): Packet {
  const packet = pool.from(unfinished(frame, protocol)) as Packet;
  const { data } = packet;
  Object.assign(packet, {
    macHeader: data,
    networkHeader: data + IP_AT,
    transportHeader: data + L4_AT,
    protocol: ETH_P_IP,
  });
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = data + L4_AT;
  packet.csumOffset = protocol === 6 ? TCP_CSUM_OFFSET : UDP_CSUM_OFFSET;
  if (gsoSize === 0) return packet;
  packet.gsoSize = gsoSize;
  packet.gsoType = protocol === 6 ? SKB_GSO_TCPV4 : SKB_GSO_UDP_L4;
  packet.gsoSegs = Math.ceil((frame.length - L4_AT - (protocol === 6 ? 20 : 8)) / gsoSize);
  return packet;
}
