import { replace2 } from "@seville/checksum";
import { ECN_CE, ECN_NOT_ECT, ETH_P_IP, ETH_P_IPV6, ipv4, ipv6, type Packet } from "@seville/packet";
import { locateIp } from "./frame-headers.ts";

/** The frame's ECN field (RFC 3168 §5); `ECN_NOT_ECT` for what is not IP. */
export function frameEcn(frame: Packet): number {
  const { view } = frame.pool.memory;
  const { protocol, at } = locateIp(frame, location);
  if (protocol === ETH_P_IP) return ipv4.ecn(view, at);
  return protocol === ETH_P_IPV6 ? ipv6.ecn(view, at) : ECN_NOT_ECT;
}

/**
 * Sets Congestion Experienced if the sender understands it, and answers whether it is set now (`INET_ECN_set_ce`,
 * include/net/inet_ecn.h). Nobody else may be reading the frame's bytes.
 */
export function markCongestion(frame: Packet): boolean {
  const ecn = frameEcn(frame);
  if (ecn === ECN_NOT_ECT || ecn === ECN_CE) return ecn === ECN_CE;
  const { view } = frame.pool.memory;
  const { protocol, at } = location;
  if (protocol === ETH_P_IPV6) {
    ipv6.setTrafficClass(view, at, ipv6.trafficClass(view, at) | ECN_CE);
    return true;
  }
  const before = view.getUint16(at);
  ipv4.setTos(view, at, ipv4.tos(view, at) | ECN_CE);
  ipv4.setChecksum(view, at, replace2(ipv4.checksum(view, at), before, view.getUint16(at)));
  return true;
}

const location = { protocol: 0, at: 0 };
