import * as icmpv6 from "../../header/icmpv6.ts";
import * as nd from "../../header/nd.ts";
import { ETH_P_IPV6, IPPROTO_ICMPV6 } from "../../header/numbers.ts";
import type { Dissection } from "../dissection.ts";
import { ICMPV6_CODE_NAMES, ICMPV6_NAMES } from "../names.ts";
import { dissectPacketAtFault } from "./icmp.ts";
import { dissectMld } from "./mld.ts";
import { dissectNd } from "./nd.ts";

/** ICMPv6 (RFC 4443), with Neighbor Discovery and multicast listeners. */
export function dissectIcmpv6(d: Dissection, at: number, end: number): void {
  const seed = d.pseudoHeader?.(IPPROTO_ICMPV6, end - at);
  d.group("Internet Control Message Protocol v6", "icmpv6", at, end - at, () => {
    const fault = icmpv6.check(d.view, at, end);
    if (fault !== undefined) {
      d.malformed(at, fault);
      return;
    }
    const type = d.uint("Type", "icmpv6.type", at, 1, { names: ICMPV6_NAMES });
    d.uint("Code", "icmpv6.code", at + 1, 1, { names: ICMPV6_CODE_NAMES[type] });
    d.checksum("icmpv6", "Checksum", at + 2, at, end, seed);
    dissectRest(d, type, at, end);
  });
}

function dissectRest(d: Dissection, type: number, at: number, end: number): void {
  if (nd.fixedLength(type) > 0) {
    dissectNd(d, type, at, end);
    return;
  }
  switch (type) {
    case icmpv6.ECHO_REQUEST:
    case icmpv6.ECHO_REPLY:
      d.uint("Identifier", "icmpv6.echo.identifier", at + 4, 2, { hex: true });
      d.uint("Sequence", "icmpv6.echo.sequence_number", at + 6, 2);
      d.data(at + 8, end);
      return;
    case icmpv6.MLD_QUERY:
    case icmpv6.MLD_REPORT:
    case icmpv6.MLD_DONE:
    case icmpv6.MLDV2_REPORT:
      dissectMld(d, type, at, end);
      return;
    case icmpv6.PACKET_TOO_BIG:
      d.uint("MTU", "icmpv6.mtu", at + 4, 4);
      break;
    case icmpv6.PARAMETER_PROBLEM:
      d.uint("Pointer", "icmpv6.pointer", at + 4, 4);
      break;
    case icmpv6.DESTINATION_UNREACHABLE:
    case icmpv6.TIME_EXCEEDED:
      break;
    default:
      d.data(at + 4, end);
      return;
  }
  dissectPacketAtFault(d, "etherType", ETH_P_IPV6, at + 8, end);
}
