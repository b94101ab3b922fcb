import {
  arp,
  compose,
  dissect,
  ethernet,
  formatTree,
  icmp,
  icmpv6,
  igmp,
  ipv4,
  ipv6,
  LINK_ETHERNET,
  LINK_RAW,
  mld,
  nd,
  parseIpv6,
  parseMac,
  summarize,
  tcp,
  udp,
  vlan,
  walk,
  type HeaderLayer,
  type Layer,
} from "../../../packages/packet/src/index.ts";
import type { FuzzTarget } from "../target.ts";

const MAX_NODES = 2000;

/**
 * Dissection and every header codec on any bytes. The trees are held to what they promise: no more nodes than allowed,
 * every node within the frame, no child outside time (a tree that is walked ends).
 */
export const target: FuzzTarget = {
  run(input) {
    for (const linkType of [LINK_ETHERNET, LINK_RAW]) {
      const tree = dissect(input, { linkType, maxNodes: MAX_NODES });
      let nodes = 0;
      for (const node of walk(tree)) {
        nodes++;
        if (node.offset < 0 || node.length < 0 || node.offset + node.length > input.length) {
          throw new Error(
            `${node.abbreviation} at ${node.offset} of ${node.length} bytes, in a frame of ${input.length}`,
          );
        }
      }
      if (nodes > MAX_NODES + 64) throw new Error(`${nodes} nodes where ${MAX_NODES} are allowed`);
      formatTree(tree);
      summarize(input, linkType);
    }
    parseEach(input);
  },
  seeds,
};

/** Each codec's own checked reading, at the start and, as within a frame, at an odd place. */
function parseEach(input: Uint8Array): void {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const end = input.length;
  for (const at of [0, Math.min(14, end)]) {
    for (const codec of [ethernet, vlan, arp, icmp, icmpv6, udp]) codec.parse(view, at, end);
    if (ipv4.parse(view, at, end) !== undefined) ipv4.parseOptions(view, at);
    if (ipv6.parse(view, at, end) !== undefined) ipv6.walkExtensions(view, at, end);
    if (tcp.parse(view, at, end) !== undefined) tcp.parseOptions(view, at);
    if (nd.check(view, at, end) === undefined) nd.parseOptions(view, at + nd.fixedLength(icmpv6.type(view, at)), end);
    if (igmp.check(view, at, end) === undefined) {
      igmp.parseReport(view, at, end);
    }
    if (mld.check(view, at, end) === undefined) {
      mld.parseReport(view, at, end);
    }
  }
}

function seeds(): Uint8Array[] {
  const ethernetLayer: HeaderLayer = {
    ethernet: { destination: parseMac("ff:ff:ff:ff:ff:ff"), source: parseMac("02:00:00:00:00:01") },
  };
  const v4: HeaderLayer = { ipv4: { source: 0xc0000201, destination: 0xc0000202, ttl: 64 } };
  const v6: HeaderLayer = { ipv6: { source: parseIpv6("fe80::1"), destination: parseIpv6("ff02::1"), hopLimit: 255 } };
  const router = parseIpv6("fe80::1");
  const packets: Layer[][] = [
    [{ arp: { operation: arp.REQUEST, senderMac: 1, senderIp: 0xc0000201, targetMac: 0, targetIp: 0xc0000202 } }],
    [v4, { udp: { sourcePort: 4789, destinationPort: 53 } }, "payload"],
    [v6, { udp: { sourcePort: 1, destinationPort: 2 } }, "payload"],
    [
      v4,
      { tcp: { sourcePort: 1, destinationPort: 80, sequence: 7, flags: tcp.SYN, window: 9, options: tcpOptions() } },
    ],
    [v4, { icmp: { type: 3, code: 4, nextHopMtu: 1400 } }, v4, { udp: { sourcePort: 1, destinationPort: 2 } }],
    [v6, { icmpv6: { type: 2, mtu: 1280 } }, v6, { udp: { sourcePort: 1, destinationPort: 2 } }],
    [
      v6,
      { hopByHop: { options: [] } },
      { destinationOptions: { options: [] } },
      { udp: { sourcePort: 1, destinationPort: 2 } },
    ],
    [v6, { routing: { type: 0, segmentsLeft: 1, data: new Uint8Array(20) } }, "x"],
    [v6, { fragment: { fragmentOffset: 8, moreFragments: true, identification: 1 } }, "fragment"],
    [
      v6,
      {
        nd: {
          type: "router-advertisement",
          curHopLimit: 64,
          flags: 0,
          routerLifetime: 9,
          reachableTime: 0,
          retransTimer: 0,
          options: [
            { kind: "source-link-layer", mac: 1 },
            { kind: "mtu", mtu: 1400 },
            {
              kind: "prefix-information",
              prefix: router,
              prefixLength: 64,
              flags: 0xc0,
              validLifetime: 9,
              preferredLifetime: 8,
            },
          ],
        },
      },
    ],
    [v6, { mld: { report: [{ type: 4, group: parseIpv6("ff02::5"), sources: [router] }] } }],
    [v4, { igmp: { report: [{ type: 3, group: 0xe0000005, sources: [1, 2] }] } }],
    [v4, v4, { udp: { sourcePort: 1, destinationPort: 2 } }],
    [{ vlan: { id: 7 } }, { vlan: { id: 8 } }, v4, "x"],
    [v4, { igmp: { type: 0x16, group: 0xe0000005 } }],
  ];
  return packets.map((layers) => compose([ethernetLayer, ...layers]));
}

function tcpOptions(): tcp.TcpOption[] {
  return [
    { kind: "mss", value: 1460 },
    { kind: "sack", blocks: [{ left: 1, right: 2 }] },
    { kind: "timestamps", value: 1, echoReply: 2 },
    { kind: "fast-open", cookie: new Uint8Array(4) },
  ];
}
