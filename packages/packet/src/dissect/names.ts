/** What numbers stand for, in Wireshark's words. */
type Names = Readonly<Record<number, string>>;

export const ETHER_TYPE_NAMES: Names = {
  0x0800: "IPv4",
  0x0806: "ARP",
  0x6558: "Transparent Ethernet bridging",
  0x8100: "802.1Q Virtual LAN",
  0x86dd: "IPv6",
  0x8847: "MPLS label switched packet",
  0x8864: "PPPoE Session",
  0x88a8: "802.1ad Provider Bridge (Q-in-Q)",
  0x88cc: "802.1 Link Layer Discovery Protocol (LLDP)",
};

export const IP_PROTOCOL_NAMES: Names = {
  0: "IPv6 Hop-by-Hop Option",
  1: "ICMP",
  2: "IGMP",
  4: "IPIP",
  6: "TCP",
  17: "UDP",
  41: "IPv6",
  43: "Routing Header for IPv6",
  44: "Fragment Header for IPv6",
  47: "Generic Routing Encapsulation",
  50: "Encap Security Payload",
  51: "Authentication Header",
  58: "ICMPv6",
  59: "IPv6 no next header",
  60: "Destination Options for IPv6",
  132: "SCTP",
  136: "UDPlite",
};

export const ECN_NAMES: Names = {
  0: "Not ECN-Capable Transport",
  1: "ECN-Capable Transport codepoint '01'",
  2: "ECN-Capable Transport codepoint '10'",
  3: "Congestion Experienced",
};

export const ARP_NAMES: Names = { 1: "request", 2: "reply", 3: "reverse request", 4: "reverse reply" };

export const ICMP_NAMES: Names = {
  0: "Echo (ping) reply",
  3: "Destination unreachable",
  4: "Source quench (flow control)",
  5: "Redirect",
  8: "Echo (ping) request",
  9: "Router advertisement",
  10: "Router solicitation",
  11: "Time-to-live exceeded",
  12: "Parameter problem",
  13: "Timestamp request",
  14: "Timestamp reply",
  15: "Information request",
  16: "Information reply",
  17: "Address mask request",
  18: "Address mask reply",
  42: "Extended Echo request",
  43: "Extended Echo reply",
};

/** By ICMP type. */
export const ICMP_CODE_NAMES: Readonly<Record<number, Names>> = {
  3: {
    0: "Network unreachable",
    1: "Host unreachable",
    2: "Protocol unreachable",
    3: "Port unreachable",
    4: "Fragmentation needed",
    5: "Source route failed",
    6: "Destination network unknown",
    7: "Destination host unknown",
    8: "Source host isolated",
    9: "Network administratively prohibited",
    10: "Host administratively prohibited",
    11: "Network unreachable for TOS",
    12: "Host unreachable for TOS",
    13: "Communication administratively filtered",
    14: "Host precedence violation",
    15: "Precedence cutoff in effect",
  },
  5: {
    0: "Redirect for network",
    1: "Redirect for host",
    2: "Redirect for Type of Service and network",
    3: "Redirect for Type of Service and host",
  },
  11: { 0: "Time to live exceeded in transit", 1: "Fragment reassembly time exceeded" },
  12: { 0: "Pointer indicates the error", 1: "Required option missing", 2: "Bad length" },
};

export const ICMPV6_NAMES: Names = {
  1: "Destination Unreachable",
  2: "Packet Too Big",
  3: "Time Exceeded",
  4: "Parameter Problem",
  128: "Echo (ping) request",
  129: "Echo (ping) reply",
  130: "Multicast Listener Query",
  131: "Multicast Listener Report",
  132: "Multicast Listener Done",
  133: "Router Solicitation",
  134: "Router Advertisement",
  135: "Neighbor Solicitation",
  136: "Neighbor Advertisement",
  137: "Redirect",
  143: "Multicast Listener Report Message v2",
  160: "Extended Echo Request",
  161: "Extended Echo Reply",
};

/** By ICMPv6 type. */
export const ICMPV6_CODE_NAMES: Readonly<Record<number, Names>> = {
  1: {
    0: "no route to destination",
    1: "Administratively prohibited",
    2: "Beyond scope of source address",
    3: "Address unreachable",
    4: "Port unreachable",
    5: "Source address failed ingress/egress policy",
    6: "Reject route to destination",
  },
  3: { 0: "hop limit exceeded in transit", 1: "fragment reassembly time exceeded" },
  4: {
    0: "erroneous header field encountered",
    1: "unrecognized Next Header type encountered",
    2: "unrecognized IPv6 option encountered",
    3: "IPv6 First Fragment has incomplete IPv6 Header Chain",
  },
};

export const ND_OPTION_NAMES: Names = {
  1: "Source link-layer address",
  2: "Target link-layer address",
  3: "Prefix information",
  4: "Redirected header",
  5: "MTU",
  14: "Nonce",
  24: "Route Information",
  25: "Recursive DNS Server",
  31: "DNS Search List Option",
  38: "PREF64 Option",
};

export const PREFERENCE_NAMES: Names = { 0: "Medium", 1: "High", 2: "Reserved", 3: "Low" };

export const IGMP_NAMES: Names = {
  0x11: "Membership Query",
  0x12: "Membership Report",
  0x16: "Membership Report",
  0x17: "Leave Group",
  0x22: "Membership Report",
};

export const GROUP_RECORD_NAMES: Names = {
  1: "Mode Is Include",
  2: "Mode Is Exclude",
  3: "Change To Include Mode",
  4: "Change To Exclude Mode",
  5: "Allow New Sources",
  6: "Block Old Sources",
};

export const IPV6_OPTION_NAMES: Names = {
  0x00: "Pad1",
  0x01: "PadN",
  0x04: "Tunnel Encapsulation Limit",
  0x05: "Router Alert",
  0xc2: "Jumbo Payload",
  0xc9: "Home Address",
};

export const TCP_OPTION_NAMES: Names = {
  0: "End of Option List",
  1: "No-Operation",
  2: "Maximum Segment Size",
  3: "Window Scale",
  4: "SACK Permitted",
  5: "SACK",
  8: "Time Stamp Option",
  19: "MD5 Signature Option",
  29: "The TCP Authentication Option",
  34: "TCP Fast Open Cookie",
};
