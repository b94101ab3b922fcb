export {
  DATA_VALID,
  decode,
  empty,
  encode,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP,
  GSO_UDP_L4,
  GSO_UDP_TUNNEL,
  GSO_UDP_TUNNEL_IPV4,
  GSO_UDP_TUNNEL_IPV6,
  NEEDS_CSUM,
  RSC_INFO,
  SIZES,
  UDP_TUNNEL_CSUM,
  type Header,
  type Size,
} from "./header.ts";
export { toMeta, type Fault, type ToMetaOptions } from "./to-meta.ts";
export { fromMeta, type FromMetaOptions } from "./from-meta.ts";
export type { LinkKind } from "./frame.ts";
