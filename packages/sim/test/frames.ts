import {
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  ethernet,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  parseIpv4,
  parseIpv6,
  parseMac,
  udp,
  vlan,
} from "@seville/packet";

const MACS = { destination: parseMac("02:00:00:00:00:02"), source: parseMac("02:00:00:00:00:01") };

export interface UdpFrame {
  readonly from?: string;
  readonly to?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly ecn?: number;
  readonly payload?: number;
  readonly flowLabel?: number;
  readonly vlan?: number;
  /** IPv4: this is a fragment at that offset. */
  readonly fragmentOffset?: number;
}

/** An Ethernet frame with UDP over the IP that its addresses are of. */
export function udpFrame(fields: UdpFrame = {}): Uint8Array {
  const { from = "192.0.2.1", to = "192.0.2.2", payload = 100 } = fields;
  const bytes = new Uint8Array(18 + 40 + 8 + payload);
  const view = new DataView(bytes.buffer);
  const isV6 = from.includes(":");
  const type = isV6 ? ETH_P_IPV6 : ETH_P_IP;
  let at = ethernet.write(view, 0, { ...MACS, etherType: fields.vlan === undefined ? type : ETH_P_8021Q });
  if (fields.vlan !== undefined) at += vlan.write(view, at, { id: fields.vlan, etherType: type });
  at += isV6
    ? ipv6.write(view, at, {
        ecn: fields.ecn,
        flowLabel: fields.flowLabel,
        payloadLength: 8 + payload,
        nextHeader: IPPROTO_UDP,
        source: parseIpv6(from),
        destination: parseIpv6(to),
      })
    : ipv4.write(view, at, {
        ecn: fields.ecn,
        fragmentOffset: fields.fragmentOffset,
        totalLength: 28 + payload,
        protocol: IPPROTO_UDP,
        source: parseIpv4(from),
        destination: parseIpv4(to),
      });
  at += udp.write(view, at, {
    sourcePort: fields.sourcePort ?? 1000,
    destinationPort: fields.destinationPort ?? 2000,
    length: 8 + payload,
  });
  return bytes.subarray(0, at + payload);
}
