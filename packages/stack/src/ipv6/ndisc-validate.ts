import type { DropReason } from "@seville/core";
import {
  icmpv6,
  ipv6,
  isLinkLocal,
  isMulticast,
  isUnspecified,
  nd,
  type Ipv6Address,
  type MacAddress,
} from "@seville/packet";

/** A received neighbour discovery message that passed {@link validateNd}. */
export interface NdReceived {
  readonly type: number;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  /** The target of a neighbour message or a redirect; `undefined` for router messages. */
  readonly target: Ipv6Address | undefined;
  /** From the source or target link-layer address option that belongs to the type. */
  readonly lladdr: MacAddress | undefined;
  /** The nonce of a solicitation as 48 bits (RFC 7527 §4.1); `undefined`: none of six bytes. */
  readonly nonce: number | undefined;
  /** Where its options begin and end in the packet's memory. */
  readonly optionsAt: number;
  readonly end: number;
  /** Where its ICMPv6 header is. */
  readonly at: number;
}

/** Which option names the sender's or the target's link-layer address. */
const LINK_LAYER_OPTION: Readonly<Record<number, number>> = {
  [icmpv6.ROUTER_SOLICITATION]: nd.OPTION_SOURCE_LINK_LAYER,
  [icmpv6.ROUTER_ADVERTISEMENT]: nd.OPTION_SOURCE_LINK_LAYER,
  [icmpv6.NEIGHBOR_SOLICITATION]: nd.OPTION_SOURCE_LINK_LAYER,
  [icmpv6.NEIGHBOR_ADVERTISEMENT]: nd.OPTION_TARGET_LINK_LAYER,
  [icmpv6.REDIRECT]: nd.OPTION_TARGET_LINK_LAYER,
};

/**
 * The checks of RFC 4861 §6.1.1, §6.1.2, §7.1.1, §7.1.2 and §8.1 but for the checksum, which was verified before.
 * Answers the message, or why it is dropped.
 *
 * @param ip offset of the IPv6 header, @param at of the ICMPv6 header, @param end of the message
 */
export function validateNd(view: DataView, ip: number, at: number, end: number): NdReceived | DropReason {
  if (end - at < icmpv6.HEADER_LENGTH) return "PKT_TOO_SMALL";
  const type = icmpv6.type(view, at);
  const fixed = nd.fixedLength(type);
  if (fixed === 0) return "UNHANDLED_PROTO";
  if (ipv6.hopLimit(view, ip) !== nd.HOP_LIMIT) return "IPV6_NDISC_HOP_LIMIT";
  if (icmpv6.code(view, at) !== 0) return "IPV6_NDISC_BAD_CODE";
  if (end - at < fixed) return "PKT_TOO_SMALL";
  if (nd.findOptionFault(view, at + fixed, end) >= 0) return "IPV6_NDISC_BAD_OPTIONS";

  const source = ipv6.source(view, ip);
  const destination = ipv6.destination(view, ip);
  const option = nd.findOption(view, at + fixed, end, LINK_LAYER_OPTION[type] as number);
  const lladdr = option < 0 ? undefined : nd.linkLayerAddress(view, option);
  // An address of another length is not one of this link.
  if (option >= 0 && lladdr === undefined) return "IPV6_NDISC_BAD_OPTIONS";
  const target = fixed < nd.NEIGHBOR_LENGTH ? undefined : nd.target(view, at);
  const reason = judge(view, at, { type, source, destination, target, hasLladdr: option >= 0 });
  if (reason !== undefined) return reason;
  const nonce = type === icmpv6.NEIGHBOR_SOLICITATION ? nonceOf(view, at + fixed, end) : undefined;
  return { type, source, destination, target, lladdr, nonce, optionsAt: at + fixed, end, at };
}

interface Facts {
  readonly type: number;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly target: Ipv6Address | undefined;
  readonly hasLladdr: boolean;
}

/** The rules of each type. */
function judge(view: DataView, at: number, facts: Facts): DropReason | undefined {
  const { type, source, destination, target, hasLladdr } = facts;
  switch (type) {
    case icmpv6.ROUTER_SOLICITATION:
      return isUnspecified(source) && hasLladdr ? "IPV6_NDISC_BAD_OPTIONS" : undefined;
    case icmpv6.ROUTER_ADVERTISEMENT:
      return isLinkLocal(source) ? undefined : "IP_INVALID_SOURCE";
    case icmpv6.NEIGHBOR_SOLICITATION:
      if (target === undefined || isMulticast(target)) return "NOT_SPECIFIED";
      if (!isUnspecified(source)) return undefined;
      if (!isSolicitedNode(destination)) return "IP_INVALID_DEST";
      return hasLladdr ? "IPV6_NDISC_BAD_OPTIONS" : undefined;
    case icmpv6.NEIGHBOR_ADVERTISEMENT:
      if (target === undefined || isMulticast(target)) return "NOT_SPECIFIED";
      return isMulticast(destination) && (nd.neighborFlags(view, at) & nd.NEIGHBOR_SOLICITED) !== 0
        ? "IP_INVALID_DEST"
        : undefined;
    default:
      return judgeRedirect(view, at, facts);
  }
}

function judgeRedirect(view: DataView, at: number, { source, target }: Facts): DropReason | undefined {
  if (!isLinkLocal(source)) return "IP_INVALID_SOURCE";
  const destination = nd.destination(view, at);
  if (isMulticast(destination)) return "IP_INVALID_DEST";
  // The target is a router's link-local address, or the destination itself, which then is on the link.
  return target === destination || (target !== undefined && isLinkLocal(target)) ? undefined : "IP_INVALID_DEST";
}

/** `ff02::1:ff00:0/104` (RFC 4291 §2.7.1). */
export function isSolicitedNode(address: Ipv6Address): boolean {
  return address.w0 === 0xff02_0000 && address.w1 === 0 && address.w2 === 1 && address.w3 >>> 24 === 0xff;
}

function nonceOf(view: DataView, from: number, end: number): number | undefined {
  const at = nd.findOption(view, from, end, nd.OPTION_NONCE);
  if (at < 0 || view.getUint8(at + 1) !== 1) return undefined;
  return view.getUint16(at + 2) * 0x1_0000_0000 + view.getUint32(at + 4);
}
