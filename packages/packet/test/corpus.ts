import {
  compose,
  ETH_P_IPV6,
  icmp,
  icmpv6,
  IPPROTO_UDP,
  ipv4,
  IPV6_ALL_MLDV2_ROUTERS,
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_ANY,
  multicastMac,
  nd,
  parseIpv4,
  parseIpv6,
  parseMac,
  solicitedNode,
  tcp,
  type HeaderLayer,
  type Layer,
} from "../src/index.ts";

/** Packets of every kind of header that the package knows, by name. */
export type Corpus = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

const MAC_A = parseMac("02:00:00:00:00:0a");
const MAC_B = parseMac("02:00:00:00:00:0b");
const A4 = parseIpv4("192.0.2.1");
const B4 = parseIpv4("198.51.100.2");
const GROUP4 = parseIpv4("239.1.2.3");
const A6 = parseIpv6("2001:db8::a");
const B6 = parseIpv6("2001:db8:1::b");
const LOCAL_A = parseIpv6("fe80::ff:fe00:a");
const LOCAL_B = parseIpv6("fe80::ff:fe00:b");
const GROUP6 = parseIpv6("ff15::1234");
const PREFIX = parseIpv6("2001:db8:2::");

const ETHERNET: HeaderLayer = { ethernet: { destination: MAC_B, source: MAC_A } };
const IPV4: HeaderLayer = { ipv4: { source: A4, destination: B4, identification: 0x1234, ttl: 63 } };
const IPV6: HeaderLayer = { ipv6: { source: A6, destination: B6, hopLimit: 63 } };
const UDP: HeaderLayer = { udp: { sourcePort: 40_000, destinationPort: 40_001 } };
const UDP_PACKET4 = compose([IPV4, UDP, "what was sent"]);
const UDP_PACKET6 = compose([IPV6, UDP, "what was sent"]);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const over4 = (...layers: Layer[]): Uint8Array<ArrayBuffer> => compose([ETHERNET, IPV4, ...layers]);
const over6 = (...layers: Layer[]): Uint8Array<ArrayBuffer> => compose([ETHERNET, IPV6, ...layers]);

function ndFrame(message: nd.NdMessage, destination = IPV6_ALL_NODES): Uint8Array<ArrayBuffer> {
  return compose([
    { ethernet: { destination: multicastMac(destination), source: MAC_A } },
    { ipv6: { source: LOCAL_A, destination, hopLimit: nd.HOP_LIMIT } },
    { nd: message },
  ]);
}

/** MLD travels with hop limit 1 and a router alert (RFC 3810 §5). */
function mldFrame(layer: HeaderLayer, destination: typeof A6): Uint8Array<ArrayBuffer> {
  return compose([
    { ethernet: { destination: multicastMac(destination), source: MAC_A } },
    { ipv6: { source: LOCAL_A, destination, hopLimit: 1 } },
    { hopByHop: { options: [{ kind: "router-alert", value: 0 }] } },
    layer,
  ]);
}

/** IGMP travels with TTL 1 and a router alert (RFC 3376 §4). */
function igmpFrame(layer: HeaderLayer, destination: number): Uint8Array<ArrayBuffer> {
  return compose([
    { ethernet: { destination: multicastMac(destination), source: MAC_A } },
    { ipv4: { source: A4, destination, ttl: 1, dscp: 48, options: [{ kind: "router-alert", value: 0 }] } },
    layer,
  ]);
}

function tcpFrame(flags: number, options: readonly tcp.TcpOption[], payload = ""): Uint8Array<ArrayBuffer> {
  const segment = { sourcePort: 40_000, destinationPort: 40_002, sequence: 0xfffffff0, window: 65_535, flags };
  const acknowledgment = (flags & tcp.ACK) === 0 ? 0 : 0x01020304;
  return over4({ tcp: { ...segment, acknowledgment, options } }, payload);
}

function link(): Record<string, Uint8Array<ArrayBuffer>> {
  return {
    "arp request": compose([
      { ethernet: { destination: 0xffff_ffff_ffff, source: MAC_A } },
      { arp: { operation: 1, senderMac: MAC_A, senderIp: A4, targetMac: 0, targetIp: B4 } },
    ]),
    "arp reply": compose([
      ETHERNET,
      { arp: { operation: 2, senderMac: MAC_A, senderIp: A4, targetMac: MAC_B, targetIp: B4 } },
    ]),
    "arp padded": compose([
      ETHERNET,
      { arp: { operation: 2, senderMac: MAC_A, senderIp: A4, targetMac: MAC_B, targetIp: B4 } },
      new Uint8Array(18),
    ]),
    vlan: compose([ETHERNET, { vlan: { id: 100, priority: 5 } }, IPV4, UDP, "tagged"]),
    qinq: compose([ETHERNET, { vlan: { id: 7, dropEligible: true } }, { vlan: { id: 4094 } }, IPV6, UDP, "twice"]),
    "vlan arp": compose([
      ETHERNET,
      { vlan: { id: 1 } },
      { arp: { operation: 1, senderMac: MAC_A, senderIp: A4, targetMac: 0, targetIp: B4 } },
    ]),
    "unknown ethertype": compose([{ ethernet: { destination: MAC_B, source: MAC_A, etherType: 0x88b5 } }, "local"]),
  };
}

function internet4(): Record<string, Uint8Array<ArrayBuffer>> {
  const options = (list: readonly ipv4.Ipv4Option[]): Uint8Array<ArrayBuffer> =>
    compose([ETHERNET, { ipv4: { source: A4, destination: B4, options: list } }, UDP, "options"]);
  return {
    "ipv4 dscp and ecn": compose([
      ETHERNET,
      { ipv4: { source: A4, destination: B4, dscp: 46, ecn: 1, dontFragment: true } },
      UDP,
      "marked",
    ]),
    "ipv4 first fragment": compose([
      ETHERNET,
      { ipv4: { source: A4, destination: B4, identification: 9, moreFragments: true, protocol: IPPROTO_UDP } },
      UDP_PACKET4.slice(20, 36),
    ]),
    "ipv4 later fragment": compose([
      ETHERNET,
      { ipv4: { source: A4, destination: B4, identification: 77, fragmentOffset: 1480, protocol: IPPROTO_UDP } },
      "rest",
    ]),
    "ipv4 padded": over4(UDP, "x", new Uint8Array(0)),
    "ipv4 unknown protocol": compose([ETHERNET, { ipv4: { source: A4, destination: B4, protocol: 253 } }, "test"]),
    "ipv4 in ipv4": over4({ ipv4: { source: B4, destination: A4 } }, UDP, "inner"),
    "ipv6 in ipv4": over4(IPV6, UDP, "inner"),
    "option record route": options([{ kind: "rr", pointer: 8, route: [A4, 0, 0] }]),
    "option strict source route": options([{ kind: "ssrr", pointer: 4, route: [B4, A4] }]),
    "option loose source route": options([{ kind: "nop" }, { kind: "lsrr", pointer: 4, route: [B4] }]),
    "option timestamp": options([
      { kind: "timestamp", pointer: 9, overflow: 0, flag: ipv4.TIMESTAMP_ONLY, entries: [{ time: 1234 }, { time: 0 }] },
    ]),
    "option timestamp with address": options([
      {
        kind: "timestamp",
        pointer: 13,
        overflow: 2,
        flag: ipv4.TIMESTAMP_AND_ADDRESS,
        entries: [{ address: A4, time: 86_399_999 }],
      },
    ]),
    "option router alert": options([{ kind: "router-alert", value: 0 }]),
    "option unknown": options([{ kind: "unknown", type: 0x9e, data: bytes(1, 2, 3, 4) }]),
  };
}

function internet6(): Record<string, Uint8Array<ArrayBuffer>> {
  return {
    "ipv6 flow label": compose([
      ETHERNET,
      { ipv6: { source: A6, destination: B6, flowLabel: 0xabcde, dscp: 10, ecn: 3 } },
      UDP,
      "labelled",
    ]),
    "hop-by-hop": over6({ hopByHop: { options: [{ kind: "router-alert", value: 1 }] } }, UDP, "alert"),
    "destination options": over6(
      { destinationOptions: { options: [{ kind: "padn", length: 4 }, { kind: "pad1" }, { kind: "pad1" }] } },
      UDP,
      "padded",
    ),
    "encapsulation limit": over6(
      { destinationOptions: { options: [{ kind: "tunnel-encapsulation-limit", limit: 4 }] } },
      IPV4,
      UDP,
      "4in6",
    ),
    "home address": over6(
      {
        destinationOptions: {
          options: [
            { kind: "padn", length: 4 },
            { kind: "home-address", address: LOCAL_B },
          ],
        },
      },
      "",
    ),
    "routing type 2": over6(
      {
        routing: { type: 2, segmentsLeft: 1, data: bytes(0, 0, 0, 0, ...wire(PREFIX)), finalDestination: PREFIX },
      },
      UDP,
      "mobile",
    ),
    "ipv6 first fragment": over6(
      { fragment: { fragmentOffset: 0, moreFragments: true, identification: 5, nextHeader: IPPROTO_UDP } },
      UDP_PACKET6.slice(40, 56),
    ),
    "ipv6 later fragment": over6(
      { fragment: { fragmentOffset: 1232, moreFragments: false, identification: 6, nextHeader: IPPROTO_UDP } },
      "tail",
    ),
    "atomic fragment": over6(
      { fragment: { fragmentOffset: 0, moreFragments: false, identification: 7 } },
      UDP,
      "whole",
    ),
    authentication: over6(
      { authentication: { spi: 256, sequence: 1, icv: new Uint8Array(12).fill(0xab) } },
      UDP,
      "authentic",
    ),
    "no next header": over6(""),
    "every extension": over6(
      { hopByHop: { options: [{ kind: "padn", length: 6 }] } },
      { destinationOptions: { options: [{ kind: "padn", length: 6 }] } },
      { fragment: { fragmentOffset: 0, moreFragments: false, identification: 8 } },
      { destinationOptions: { options: [{ kind: "unknown", type: 0x1e, data: bytes(9, 9) }] } },
      UDP,
      "deep",
    ),
    "ipv6 in ipv6": over6({ ipv6: { source: B6, destination: A6 } }, UDP, "inner"),
  };
}

function wire(address: typeof A6): number[] {
  return [address.w0, address.w1, address.w2, address.w3].flatMap((w) => [w >>> 24, w >>> 16, w >>> 8, w]);
}

function control(): Record<string, Uint8Array<ArrayBuffer>> {
  return {
    "icmp echo request": over4({ icmp: { type: icmp.ECHO_REQUEST, identifier: 0x1f2e, sequence: 3 } }, "0123456789"),
    "icmp echo reply": over4({ icmp: { type: icmp.ECHO_REPLY, identifier: 0x1f2e, sequence: 4 } }, "0123456789"),
    "icmp port unreachable": over4({ icmp: { type: 3, code: icmp.PORT_UNREACHABLE } }, UDP_PACKET4),
    "icmp fragmentation needed": over4({ icmp: { type: 3, code: 4, nextHopMtu: 1400 } }, UDP_PACKET4.slice(0, 28)),
    "icmp redirect": over4({ icmp: { type: icmp.REDIRECT, code: 1, gateway: A4 } }, UDP_PACKET4.slice(0, 28)),
    "icmp time exceeded": over4({ icmp: { type: icmp.TIME_EXCEEDED } }, UDP_PACKET4),
    "icmp parameter problem": over4({ icmp: { type: icmp.PARAMETER_PROBLEM, pointer: 20 } }, UDP_PACKET4),
    "icmp timestamp": over4({
      icmp: { type: icmp.TIMESTAMP, identifier: 1, sequence: 2, originate: 1000, receive: 0, transmit: 0 },
    }),
    "icmp timestamp reply": over4({
      icmp: { type: icmp.TIMESTAMP_REPLY, identifier: 1, sequence: 3, originate: 1000, receive: 2000, transmit: 2001 },
    }),
    "icmpv6 echo request": over6({ icmpv6: { type: icmpv6.ECHO_REQUEST, identifier: 7, sequence: 1 } }, "0123456789"),
    "icmpv6 echo reply": over6({ icmpv6: { type: icmpv6.ECHO_REPLY, identifier: 7, sequence: 2 } }, "0123456789"),
    "icmpv6 unreachable": over6({ icmpv6: { type: icmpv6.DESTINATION_UNREACHABLE, code: 4 } }, UDP_PACKET6),
    "icmpv6 packet too big": over6({ icmpv6: { type: icmpv6.PACKET_TOO_BIG, mtu: 1280 } }, UDP_PACKET6),
    "icmpv6 time exceeded": over6({ icmpv6: { type: icmpv6.TIME_EXCEEDED } }, UDP_PACKET6),
    "icmpv6 parameter problem": over6({ icmpv6: { type: icmpv6.PARAMETER_PROBLEM, code: 1, pointer: 6 } }, UDP_PACKET6),
    "igmp v1 report": igmpFrame({ igmp: { type: 0x12, group: GROUP4 } }, GROUP4),
    "igmp v2 report": igmpFrame({ igmp: { type: 0x16, group: GROUP4 } }, GROUP4),
    "igmp v2 query": igmpFrame({ igmp: { type: 0x11, maxResponseTime: 100, group: 0 } }, parseIpv4("224.0.0.1")),
    "igmp leave": igmpFrame({ igmp: { type: 0x17, group: GROUP4 } }, parseIpv4("224.0.0.2")),
    "igmp v3 query": igmpFrame(
      {
        igmp: {
          query: {
            group: GROUP4,
            maxResponseTime: 100,
            suppressRouterProcessing: true,
            robustness: 2,
            queryInterval: 125,
            sources: [A4, B4],
          },
        },
      },
      GROUP4,
    ),
    "igmp v3 report": igmpFrame(
      {
        igmp: {
          report: [
            { type: 4, group: GROUP4, sources: [] },
            { type: 5, group: parseIpv4("232.1.1.1"), sources: [A4, B4] },
          ],
        },
      },
      parseIpv4("224.0.0.22"),
    ),
  };
}

function neighbours(): Record<string, Uint8Array<ArrayBuffer>> {
  return {
    "router solicitation": ndFrame(
      { type: "router-solicitation", options: [{ kind: "source-link-layer", mac: MAC_A }] },
      IPV6_ALL_ROUTERS,
    ),
    "router advertisement": ndFrame({
      type: "router-advertisement",
      curHopLimit: 64,
      flags: nd.ROUTER_OTHER | 0x08,
      routerLifetime: 1800,
      reachableTime: 30_000,
      retransTimer: 1000,
      options: [
        { kind: "source-link-layer", mac: MAC_A },
        { kind: "mtu", mtu: 1492 },
        {
          kind: "prefix-information",
          prefix: PREFIX,
          prefixLength: 64,
          flags: nd.PREFIX_ON_LINK | nd.PREFIX_AUTONOMOUS,
          validLifetime: 86_400,
          preferredLifetime: nd.INFINITE_LIFETIME,
        },
        { kind: "route-information", prefix: PREFIX, prefixLength: 48, preference: 1, lifetime: 600 },
        { kind: "rdnss", lifetime: 300, servers: [A6, B6] },
        { kind: "pref64", prefix: parseIpv6("64:ff9b::"), prefixLength: 96, lifetime: 600 },
      ],
    }),
    "neighbor solicitation": ndFrame(
      { type: "neighbor-solicitation", target: LOCAL_B, options: [{ kind: "source-link-layer", mac: MAC_A }] },
      solicitedNode(LOCAL_B),
    ),
    "dad solicitation": compose([
      { ethernet: { destination: multicastMac(solicitedNode(LOCAL_A)), source: MAC_A } },
      { ipv6: { source: IPV6_ANY, destination: solicitedNode(LOCAL_A), hopLimit: 255 } },
      {
        nd: {
          type: "neighbor-solicitation",
          target: LOCAL_A,
          options: [{ kind: "nonce", nonce: bytes(1, 2, 3, 4, 5, 6) }],
        },
      },
    ]),
    "neighbor advertisement": ndFrame({
      type: "neighbor-advertisement",
      target: LOCAL_A,
      flags: nd.NEIGHBOR_ROUTER | nd.NEIGHBOR_OVERRIDE,
      options: [{ kind: "target-link-layer", mac: MAC_A }],
    }),
    redirect: ndFrame(
      {
        type: "redirect",
        target: LOCAL_B,
        destination: B6,
        options: [
          { kind: "target-link-layer", mac: MAC_B },
          { kind: "redirected-header", data: compose([IPV6, UDP, "01234567"]) },
        ],
      },
      A6,
    ),
    "mld query": mldFrame({ mld: { type: 130, maxResponseDelay: 10_000, group: IPV6_ANY } }, IPV6_ALL_NODES),
    "mld report": mldFrame({ mld: { type: 131, group: GROUP6 } }, GROUP6),
    "mld done": mldFrame({ mld: { type: 132, group: GROUP6 } }, IPV6_ALL_ROUTERS),
    "mld v2 query": mldFrame(
      {
        mld: {
          query: {
            group: GROUP6,
            maxResponseDelay: 1000,
            suppressRouterProcessing: false,
            robustness: 2,
            queryInterval: 125,
            sources: [A6],
          },
        },
      },
      GROUP6,
    ),
    "mld v2 report": mldFrame(
      {
        mld: {
          report: [
            { type: 4, group: GROUP6, sources: [] },
            { type: 1, group: solicitedNode(A6), sources: [A6, B6] },
          ],
        },
      },
      IPV6_ALL_MLDV2_ROUTERS,
    ),
  };
}

function transport(): Record<string, Uint8Array<ArrayBuffer>> {
  const timestamps: tcp.TcpOption = { kind: "timestamps", value: 0xdeadbeef, echoReply: 17 };
  return {
    udp: over4(UDP, "hello"),
    "udp over ipv6": over6(UDP, "hello"),
    "udp without checksum": over4({ udp: { sourcePort: 40_000, destinationPort: 40_001, checksum: 0 } }, "unchecked"),
    // Chosen so that the sum of all is 0xffff: the checksum 0 is sent as 0xffff (RFC 768).
    "udp whose checksum is zero": udpWithZeroChecksum(),
    "tcp syn": tcpFrame(tcp.SYN | tcp.ECE | tcp.CWR, [
      { kind: "mss", value: 1460 },
      { kind: "sack-permitted" },
      { kind: "timestamps", value: 1, echoReply: 0 },
      { kind: "nop" },
      { kind: "window-scale", shift: 7 },
    ]),
    "tcp syn ack": tcpFrame(tcp.SYN | tcp.ACK, [
      { kind: "mss", value: 1400 },
      { kind: "fast-open", cookie: bytes(1, 2, 3, 4, 5, 6, 7, 8) },
    ]),
    "tcp data": tcpFrame(tcp.ACK | tcp.PSH, [{ kind: "nop" }, { kind: "nop" }, timestamps], "some data"),
    "tcp sack": tcpFrame(tcp.ACK, [
      { kind: "nop" },
      { kind: "nop" },
      {
        kind: "sack",
        blocks: [
          { left: 0x01020400, right: 0x01020500 },
          { left: 0x01020600, right: 0x01020700 },
        ],
      },
    ]),
    "tcp md5": tcpFrame(tcp.ACK, [{ kind: "md5", digest: new Uint8Array(16).fill(7) }]),
    "tcp ao": tcpFrame(tcp.ACK, [{ kind: "ao", data: new Uint8Array(14).fill(9) }]),
    "tcp fin": tcpFrame(tcp.FIN | tcp.ACK | tcp.URG, []),
    "tcp rst": tcpFrame(tcp.RST, []),
    "tcp unknown option": tcpFrame(tcp.ACK, [{ kind: "unknown", type: 253, data: bytes(0x12, 0x34, 5, 6) }]),
    "tcp over ipv6": over6(
      { tcp: { sourcePort: 40_000, destinationPort: 40_002, sequence: 1, flags: tcp.ACK, window: 1 } },
      "x",
    ),
  };
}

function udpWithZeroChecksum(): Uint8Array<ArrayBuffer> {
  const frame = over4(UDP, bytes(0, 0));
  const checksum = new DataView(frame.buffer).getUint16(14 + 20 + 6);
  return over4(UDP, bytes(checksum >>> 8, checksum & 0xff));
}

export const CORPUS: Corpus = {
  ...link(),
  ...internet4(),
  ...internet6(),
  ...control(),
  ...neighbours(),
  ...transport(),
};

export const ETHER_TYPE_IPV6 = ETH_P_IPV6;
