import { icmpv6, ipv6, IPPROTO_HOPOPTS, isMulticast, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp6 } from "./icmpv6-send.ts";

/** More padding than this in a row serves nothing but a hidden channel (`ip6_parse_tlv`). */
const MAX_PADDING = 7;

/**
 * Goes through a hop-by-hop or destination options header at `at` (RFC 8200 §4.2; `ip6_parse_tlv`). Answers where the
 * next header begins; -1: the packet is dropped, and answered if the option says so.
 */
export function receiveOptions6(host: Host, packet: Packet, dev: NetInterface, kind: number, at: number): number {
  const { view } = host.memory;
  const fail = (): -1 => {
    host.mib.ip6.InHdrErrors++;
    host.drop(packet, "IPV6_BAD_EXTHDR", dev);
    return -1;
  };
  if (at + 8 > packet.tail) return fail();
  const length = (view.getUint8(at + 1) + 1) * 8;
  const { sysctl } = host.ipv6;
  const hopByHop = kind === IPPROTO_HOPOPTS;
  const maxLength = hopByHop ? sysctl.max_hbh_length : sysctl.max_dst_opts_length;
  if (at + length > packet.tail || length > maxLength) return fail();
  // Negative: unknown options are not tolerated beyond that number.
  const limit = hopByHop ? sysctl.max_hbh_opts_number : sysctl.max_dst_opts_number;
  let count = 0;
  let padding = 0;
  let option = at + 2;
  const end = at + length;
  while (option < end) {
    const size = ipv6.optionLengthAt(view, option, end);
    if (size === 0) return fail();
    const type = view.getUint8(option);
    if (type === ipv6.OPTION_PAD1 || type === ipv6.OPTION_PADN) {
      padding += size;
      if (padding > MAX_PADDING || !isZero(view, option, size)) return fail();
    } else {
      padding = 0;
      count++;
      if (count > Math.abs(limit)) return fail();
      if (!isKnown(view, option, type, size, hopByHop) && !tolerate(host, packet, dev, type, option, limit < 0))
        return -1;
    }
    option += size;
  }
  return end;
}

/** PadN is filled with zeros (RFC 8200 §4.2). */
function isZero(view: DataView, option: number, size: number): boolean {
  for (let i = 2; i < size; i++) if (view.getUint8(option + i) !== 0) return false;
  return true;
}

function isKnown(view: DataView, option: number, type: number, size: number, hopByHop: boolean): boolean {
  return hopByHop && type === ipv6.OPTION_ROUTER_ALERT && size === 4 && view.getUint8(option + 1) === 2;
}

/** An option that is not known here: what its type's high bits ask for. `false`: dropped. */
function tolerate(
  host: Host,
  packet: Packet,
  dev: NetInterface,
  type: number,
  option: number,
  strict: boolean,
): boolean {
  const action = ipv6.unknownOptionAction(type);
  if (action === "skip" && !strict) return true;
  const toGroup = isMulticast(ipv6.destination(host.memory.view, packet.networkHeader));
  if (action === "discard-icmp" || (action === "discard-icmp-unicast" && !toGroup)) {
    sendIcmp6(host, packet, icmpv6.PARAMETER_PROBLEM, icmpv6.UNRECOGNIZED_OPTION, option - packet.networkHeader, dev);
  }
  host.mib.ip6.InHdrErrors++;
  host.drop(packet, "IPV6_BAD_EXTHDR", dev);
  return false;
}
