import { flowHash } from "@seville/core";
import {
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_ESP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  ipv4,
  ipv6,
  type Packet,
} from "@seville/packet";
import { locateIp } from "./frame-headers.ts";

/**
 * The hash by which FQ-CoDel tells flows apart, over what `skb_get_hash` uses (net/core/flow_dissector.c): addresses,
 * protocol, and ports unless it is a fragment; for IPv6 the flow label where there is one. Frames that are not IP are one
 * flow.
 */
export function frameFlowHash(frame: Packet, seed: number): number {
  const { view } = frame.pool.memory;
  const { protocol, at } = locateIp(frame, location);
  if (protocol === ETH_P_IP) readIpv4(view, at, frame.tail);
  else if (protocol === ETH_P_IPV6) readIpv6(view, at, frame.tail);
  else return 1;
  return flowHash(key, seed);
}

/** Scratch, used again for each frame: nothing keeps it. */
const location = { protocol: 0, at: 0 };
const chain = ipv6.newChain();
const v4 = { src: [0], dst: [0] };
const v6 = { src: [0, 0, 0, 0], dst: [0, 0, 0, 0] };
const key = { src: v4.src, dst: v4.dst, protocol: 0, srcPort: 0, dstPort: 0, flowLabel: 0 };

function readIpv4(view: DataView, at: number, end: number): void {
  key.src = v4.src;
  key.dst = v4.dst;
  key.src[0] = view.getUint32(at + 12);
  key.dst[0] = view.getUint32(at + 16);
  key.flowLabel = 0;
  key.protocol = ipv4.protocol(view, at);
  readPorts(view, at + ipv4.headerLength(view, at), end, !ipv4.isFragment(view, at));
}

function readIpv6(view: DataView, at: number, end: number): void {
  key.src = v6.src;
  key.dst = v6.dst;
  for (let word = 0; word < 4; word++) {
    key.src[word] = view.getUint32(at + 8 + word * 4);
    key.dst[word] = view.getUint32(at + 24 + word * 4);
  }
  ipv6.walkExtensions(view, at, end, chain);
  key.flowLabel = ipv6.flowLabel(view, at);
  key.protocol = chain.protocol;
  readPorts(view, chain.at, end, key.flowLabel === 0 && chain.fragmentAt < 0 && chain.fault === undefined);
}

function readPorts(view: DataView, at: number, end: number, readable: boolean): void {
  const there = readable && hasPorts(key.protocol) && at + 4 <= end;
  key.srcPort = there ? view.getUint16(at) : 0;
  key.dstPort = there ? view.getUint16(at + 2) : 0;
}

/** Protocols that begin with ports, or with a number that serves as well (`proto_ports_offset`, net/core/flow_dissector.c). */
function hasPorts(protocol: number): boolean {
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
    case IPPROTO_ESP:
      return true;
    default:
      return false;
  }
}

const IPPROTO_DCCP = 33;
