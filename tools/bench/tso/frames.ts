import { fold, pseudoHeader4 } from "../../../packages/checksum/src/index.ts";
import {
  CHECKSUM_PARTIAL,
  compose,
  ETH_P_IP,
  ETHERNET_HEADROOM,
  SKB_GSO_TCPV4,
  tcp,
  type Packet,
  type PacketPool,
} from "../../../packages/packet/src/index.ts";

/** Ethernet, IPv4, TCP with timestamps: what a stack of today sends. */
export const HEADER_BYTES = 14 + 20 + 32;
export const MSS = 1448;
export const SEGMENTS = 45;
export const PAYLOAD_BYTES: number = MSS * SEGMENTS;

/** A super-packet of 65160 bytes of payload, PARTIAL. */
export function makeSuper(pool: PacketPool): Packet {
  const payload = new Uint8Array(PAYLOAD_BYTES);
  let state = 1;
  for (let i = 0; i < payload.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    payload[i] = state >>> 16;
  }
  const frame = compose([
    { ethernet: { source: 0x020000000001, destination: 0x020000000002 } },
    { ipv4: { source: 0x0a000001, destination: 0x0a000002, identification: 1, dontFragment: true } },
    {
      tcp: {
        sourcePort: 40_000,
        destinationPort: 80,
        sequence: 1,
        acknowledgment: 2,
        flags: tcp.ACK | tcp.PSH,
        window: 512,
        options: [{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 1, echoReply: 2 }],
      },
    },
    payload,
  ]);
  const packet = pool.from(frame, ETHERNET_HEADROOM);
  if (packet === undefined) throw new Error("the pool has no slot for a super-packet");
  const { view } = pool.memory;
  packet.macHeader = packet.data;
  packet.networkHeader = packet.data + 14;
  packet.transportHeader = packet.data + 34;
  packet.protocol = ETH_P_IP;
  packet.gsoSize = MSS;
  packet.gsoSegs = SEGMENTS;
  packet.gsoType = SKB_GSO_TCPV4;
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = packet.transportHeader;
  packet.csumOffset = tcp.CHECKSUM_OFFSET;
  view.setUint16(packet.csumStart + 16, fold(pseudoHeader4(0x0a000001, 0x0a000002, 6, PAYLOAD_BYTES + 32)));
  return packet;
}
