import { fold, pseudoHeader4, pseudoHeader6At } from "@seville/checksum";
import { CHECKSUM_PARTIAL, parseIpv4, parseIpv6, SKB_GSO_TCPV4, SKB_GSO_TCPV6, type Packet } from "@seville/packet";
import {
  createFlow4,
  createFlow6,
  routeOutput4,
  routeOutput6,
  sendIpv4,
  sendIpv6,
  type Host,
} from "../../src/index.ts";

export const TCP_HEADER = 20;

/** Sends one TCP super-packet with `payload` bytes in segments of `mss`, as a TCP engine will. */
export function sendSuper(host: Host, to: string, payload: number, mss: number, dontFragment = true): void {
  const packet = host.pool.alloc(TCP_HEADER + payload) as Packet;
  const at = packet.put(TCP_HEADER + payload);
  const { view, u8 } = host.memory;
  for (let i = 0; i < payload; i++) u8[at + TCP_HEADER + i] = (i * 7) & 0xff;
  view.setUint32(at, (1000 << 16) | 2000);
  view.setUint32(at + 4, 77);
  view.setUint32(at + 8, 88);
  view.setUint32(at + 12, 0x5018_ffff);
  view.setUint32(at + 16, 0);
  packet.gsoSize = mss;
  packet.gsoSegs = Math.ceil(payload / mss);
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = 16;
  packet.transportHeader = at;
  const length = packet.length;
  if (to.includes(":")) {
    packet.gsoType = SKB_GSO_TCPV6;
    const flow = { ...createFlow6(), destination: parseIpv6(to) };
    const hop = routeOutput6(host, flow);
    if (typeof hop === "string") throw new Error(hop);
    for (const [i, address] of [flow.source, flow.destination].entries()) {
      for (const [j, word] of [address.w0, address.w1, address.w2, address.w3].entries()) {
        view.setUint32(at - 40 + 16 * i + 4 * j, word);
      }
    }
    view.setUint16(at + 16, fold(pseudoHeader6At(u8, at - 40, at - 24, 6, length)));
    sendIpv6(host, packet, hop, flow.source, flow.destination, {
      nextHeader: 6,
      trafficClass: 0,
      flowLabel: 0,
      hopLimit: 0,
    });
    return;
  }
  packet.gsoType = SKB_GSO_TCPV4;
  const flow = { ...createFlow4(), destination: parseIpv4(to) };
  const hop = routeOutput4(host, flow);
  if (typeof hop === "string") throw new Error(hop);
  view.setUint16(at + 16, fold(pseudoHeader4(flow.source, flow.destination, 6, length)));
  sendIpv4(host, packet, hop, flow.source, flow.destination, { protocol: 6, tos: 0, ttl: 0, dontFragment });
}
