/**
 * Counters of a host, with the names of /proc/net/snmp, /proc/net/snmp6 and /proc/net/netstat
 * (net/ipv4/proc.c, net/ipv6/proc.c; the meanings are those of RFC 1213, RFC 4293 and RFC 4113).
 */

/** `Ip:` of /proc/net/snmp. `Forwarding` and `DefaultTTL` are settings and are printed from the sysctls. */
export interface IpMib {
  InReceives: number;
  InHdrErrors: number;
  InAddrErrors: number;
  ForwDatagrams: number;
  InUnknownProtos: number;
  InDiscards: number;
  InDelivers: number;
  OutRequests: number;
  OutDiscards: number;
  OutNoRoutes: number;
  ReasmTimeout: number;
  ReasmReqds: number;
  ReasmOKs: number;
  ReasmFails: number;
  FragOKs: number;
  FragFails: number;
  FragCreates: number;
  OutTransmits: number;
}

export function ipMib(): IpMib {
  return {
    InReceives: 0,
    InHdrErrors: 0,
    InAddrErrors: 0,
    ForwDatagrams: 0,
    InUnknownProtos: 0,
    InDiscards: 0,
    InDelivers: 0,
    OutRequests: 0,
    OutDiscards: 0,
    OutNoRoutes: 0,
    ReasmTimeout: 0,
    ReasmReqds: 0,
    ReasmOKs: 0,
    ReasmFails: 0,
    FragOKs: 0,
    FragFails: 0,
    FragCreates: 0,
    OutTransmits: 0,
  };
}

/** `IpExt:` of /proc/net/netstat. */
export interface IpExtMib {
  InNoRoutes: number;
  InTruncatedPkts: number;
  InMcastPkts: number;
  OutMcastPkts: number;
  InBcastPkts: number;
  OutBcastPkts: number;
  InOctets: number;
  OutOctets: number;
  InMcastOctets: number;
  OutMcastOctets: number;
  InBcastOctets: number;
  OutBcastOctets: number;
  InCsumErrors: number;
  InNoECTPkts: number;
  InECT1Pkts: number;
  InECT0Pkts: number;
  InCEPkts: number;
  ReasmOverlaps: number;
}

export function ipExtMib(): IpExtMib {
  return {
    InNoRoutes: 0,
    InTruncatedPkts: 0,
    InMcastPkts: 0,
    OutMcastPkts: 0,
    InBcastPkts: 0,
    OutBcastPkts: 0,
    InOctets: 0,
    OutOctets: 0,
    InMcastOctets: 0,
    OutMcastOctets: 0,
    InBcastOctets: 0,
    OutBcastOctets: 0,
    InCsumErrors: 0,
    InNoECTPkts: 0,
    InECT1Pkts: 0,
    InECT0Pkts: 0,
    InCEPkts: 0,
    ReasmOverlaps: 0,
  };
}

/** `Icmp:` of /proc/net/snmp. */
export interface IcmpMib {
  InMsgs: number;
  InErrors: number;
  InCsumErrors: number;
  InDestUnreachs: number;
  InTimeExcds: number;
  InParmProbs: number;
  InSrcQuenchs: number;
  InRedirects: number;
  InEchos: number;
  InEchoReps: number;
  InTimestamps: number;
  InTimestampReps: number;
  InAddrMasks: number;
  InAddrMaskReps: number;
  OutMsgs: number;
  OutErrors: number;
  OutRateLimitGlobal: number;
  OutRateLimitHost: number;
  OutDestUnreachs: number;
  OutTimeExcds: number;
  OutParmProbs: number;
  OutSrcQuenchs: number;
  OutRedirects: number;
  OutEchos: number;
  OutEchoReps: number;
  OutTimestamps: number;
  OutTimestampReps: number;
  OutAddrMasks: number;
  OutAddrMaskReps: number;
}

export function icmpMib(): IcmpMib {
  return {
    InMsgs: 0,
    InErrors: 0,
    InCsumErrors: 0,
    InDestUnreachs: 0,
    InTimeExcds: 0,
    InParmProbs: 0,
    InSrcQuenchs: 0,
    InRedirects: 0,
    InEchos: 0,
    InEchoReps: 0,
    InTimestamps: 0,
    InTimestampReps: 0,
    InAddrMasks: 0,
    InAddrMaskReps: 0,
    OutMsgs: 0,
    OutErrors: 0,
    OutRateLimitGlobal: 0,
    OutRateLimitHost: 0,
    OutDestUnreachs: 0,
    OutTimeExcds: 0,
    OutParmProbs: 0,
    OutSrcQuenchs: 0,
    OutRedirects: 0,
    OutEchos: 0,
    OutEchoReps: 0,
    OutTimestamps: 0,
    OutTimestampReps: 0,
    OutAddrMasks: 0,
    OutAddrMaskReps: 0,
  };
}

/** `Udp:` of /proc/net/snmp. */
export interface UdpMib {
  InDatagrams: number;
  NoPorts: number;
  InErrors: number;
  OutDatagrams: number;
  RcvbufErrors: number;
  SndbufErrors: number;
  InCsumErrors: number;
  IgnoredMulti: number;
  MemErrors: number;
}

export function udpMib(): UdpMib {
  return {
    InDatagrams: 0,
    NoPorts: 0,
    InErrors: 0,
    OutDatagrams: 0,
    RcvbufErrors: 0,
    SndbufErrors: 0,
    InCsumErrors: 0,
    IgnoredMulti: 0,
    MemErrors: 0,
  };
}

/** `Ip6…` of /proc/net/snmp6. */
export interface Ip6Mib {
  InReceives: number;
  InHdrErrors: number;
  InTooBigErrors: number;
  InNoRoutes: number;
  InAddrErrors: number;
  InUnknownProtos: number;
  InTruncatedPkts: number;
  InDiscards: number;
  InDelivers: number;
  OutForwDatagrams: number;
  OutRequests: number;
  OutDiscards: number;
  OutNoRoutes: number;
  ReasmTimeout: number;
  ReasmReqds: number;
  ReasmOKs: number;
  ReasmFails: number;
  FragOKs: number;
  FragFails: number;
  FragCreates: number;
  InMcastPkts: number;
  OutMcastPkts: number;
  InOctets: number;
  OutOctets: number;
  InMcastOctets: number;
  OutMcastOctets: number;
  InBcastOctets: number;
  OutBcastOctets: number;
  InNoECTPkts: number;
  InECT1Pkts: number;
  InECT0Pkts: number;
  InCEPkts: number;
  OutTransmits: number;
}

export function ip6Mib(): Ip6Mib {
  return {
    InReceives: 0,
    InHdrErrors: 0,
    InTooBigErrors: 0,
    InNoRoutes: 0,
    InAddrErrors: 0,
    InUnknownProtos: 0,
    InTruncatedPkts: 0,
    InDiscards: 0,
    InDelivers: 0,
    OutForwDatagrams: 0,
    OutRequests: 0,
    OutDiscards: 0,
    OutNoRoutes: 0,
    ReasmTimeout: 0,
    ReasmReqds: 0,
    ReasmOKs: 0,
    ReasmFails: 0,
    FragOKs: 0,
    FragFails: 0,
    FragCreates: 0,
    InMcastPkts: 0,
    OutMcastPkts: 0,
    InOctets: 0,
    OutOctets: 0,
    InMcastOctets: 0,
    OutMcastOctets: 0,
    InBcastOctets: 0,
    OutBcastOctets: 0,
    InNoECTPkts: 0,
    InECT1Pkts: 0,
    InECT0Pkts: 0,
    InCEPkts: 0,
    OutTransmits: 0,
  };
}

/** `Icmp6…` of /proc/net/snmp6. */
export interface Icmp6Mib {
  InMsgs: number;
  InErrors: number;
  OutMsgs: number;
  OutErrors: number;
  InCsumErrors: number;
  OutRateLimitHost: number;
  InDestUnreachs: number;
  InPktTooBigs: number;
  InTimeExcds: number;
  InParmProblems: number;
  InEchos: number;
  InEchoReplies: number;
  InGroupMembQueries: number;
  InGroupMembResponses: number;
  InGroupMembReductions: number;
  InRouterSolicits: number;
  InRouterAdvertisements: number;
  InNeighborSolicits: number;
  InNeighborAdvertisements: number;
  InRedirects: number;
  InMLDv2Reports: number;
  OutDestUnreachs: number;
  OutPktTooBigs: number;
  OutTimeExcds: number;
  OutParmProblems: number;
  OutEchos: number;
  OutEchoReplies: number;
  OutGroupMembQueries: number;
  OutGroupMembResponses: number;
  OutGroupMembReductions: number;
  OutRouterSolicits: number;
  OutRouterAdvertisements: number;
  OutNeighborSolicits: number;
  OutNeighborAdvertisements: number;
  OutRedirects: number;
  OutMLDv2Reports: number;
}

export function icmp6Mib(): Icmp6Mib {
  return {
    InMsgs: 0,
    InErrors: 0,
    OutMsgs: 0,
    OutErrors: 0,
    InCsumErrors: 0,
    OutRateLimitHost: 0,
    InDestUnreachs: 0,
    InPktTooBigs: 0,
    InTimeExcds: 0,
    InParmProblems: 0,
    InEchos: 0,
    InEchoReplies: 0,
    InGroupMembQueries: 0,
    InGroupMembResponses: 0,
    InGroupMembReductions: 0,
    InRouterSolicits: 0,
    InRouterAdvertisements: 0,
    InNeighborSolicits: 0,
    InNeighborAdvertisements: 0,
    InRedirects: 0,
    InMLDv2Reports: 0,
    OutDestUnreachs: 0,
    OutPktTooBigs: 0,
    OutTimeExcds: 0,
    OutParmProblems: 0,
    OutEchos: 0,
    OutEchoReplies: 0,
    OutGroupMembQueries: 0,
    OutGroupMembResponses: 0,
    OutGroupMembReductions: 0,
    OutRouterSolicits: 0,
    OutRouterAdvertisements: 0,
    OutNeighborSolicits: 0,
    OutNeighborAdvertisements: 0,
    OutRedirects: 0,
    OutMLDv2Reports: 0,
  };
}
