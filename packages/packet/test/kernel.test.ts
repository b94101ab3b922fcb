import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import {
  arp,
  compose,
  dissect,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  ethernet,
  fieldValues,
  icmp,
  icmpv6,
  igmp,
  IPPROTO_HOPOPTS,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  MALFORMED,
  mld,
  nd,
  summarize,
  tcp,
  udp,
  walk,
  type Layer,
} from "../src/index.ts";
import { disagreements } from "./agreement.ts";
import { pcapFrames } from "./pcap-file.ts";
import { tshark } from "./tshark.ts";

/** Recorded from two network namespaces by fixtures/record-kernel.sh. */
const FRAMES = pcapFrames(readFileSync(new URL("fixtures/kernel.pcap", import.meta.url)));

/** The layers of a frame by our own parsers, down to what this test knows how to write again. */
function layersOf(frame: Uint8Array<ArrayBuffer>): Layer[] {
  const view = new DataView(frame.buffer);
  const link = ethernet.parse(view, 0, frame.length)!;
  const rest = ethernet.HEADER_LENGTH;
  const layers: Layer[] = [{ ethernet: { destination: link.destination, source: link.source } }];
  if (link.etherType === ETH_P_ARP) {
    return [...layers, { arp: arp.parse(view, rest, frame.length)! }, frame.slice(rest + arp.HEADER_LENGTH)];
  }
  if (link.etherType === ETH_P_IP) return [...layers, ...ipv4Layers(view, rest, frame)];
  if (link.etherType === ETH_P_IPV6) return [...layers, ...ipv6Layers(view, rest, frame)];
  throw new Error(`EtherType ${link.etherType}`);
}

function ipv4Layers(view: DataView, at: number, frame: Uint8Array): Layer[] {
  const { checksum, totalLength, protocol, ...fields } = ipv4.parse(view, at, frame.length)!;
  expect(ipv4.isChecksumValid(view, at)).toBe(true);
  expect(totalLength).toBe(frame.length - at);
  const options = ipv4.parseOptions(view, at).filter((option) => option.kind !== "end");
  const payload = at + ipv4.headerLength(view, at);
  // The checksum is left to compose, to meet the kernel's.
  expect(checksum).toBeGreaterThan(0);
  const isFragment = ipv4.isFragment(view, at);
  const above = isFragment ? [frame.slice(payload)] : transportLayers(view, protocol, payload, frame);
  return [{ ipv4: { ...fields, options, protocol: isFragment ? protocol : undefined } }, ...above];
}

function ipv6Layers(view: DataView, at: number, frame: Uint8Array): Layer[] {
  const { payloadLength, nextHeader, ...fields } = ipv6.parse(view, at, frame.length)!;
  expect(payloadLength).toBe(frame.length - at - 40);
  const chain = ipv6.walkExtensions(view, at, frame.length);
  expect(chain.fault).toBeUndefined();
  const layers: Layer[] = [{ ipv6: fields }];
  if (nextHeader === IPPROTO_HOPOPTS) {
    const { options, fault } = ipv6.parseExtensionOptions(view, chain.hopByHopAt, frame.length);
    expect(fault).toBeUndefined();
    layers.push({ hopByHop: { options } });
  }
  if (chain.fragmentAt < 0) return [...layers, ...transportLayers(view, chain.protocol, chain.at, frame)];
  const fragment = {
    fragmentOffset: ipv6.fragmentOffset(view, chain.fragmentAt),
    moreFragments: ipv6.moreFragments(view, chain.fragmentAt),
    identification: ipv6.fragmentIdentification(view, chain.fragmentAt),
    nextHeader: chain.protocol,
  };
  return [...layers, { fragment }, frame.slice(chain.at)];
}

function transportLayers(view: DataView, protocol: number, at: number, frame: Uint8Array): Layer[] {
  const end = frame.length;
  switch (protocol) {
    case IPPROTO_UDP: {
      const { sourcePort, destinationPort } = udp.parse(view, at, end)!;
      return [{ udp: { sourcePort, destinationPort } }, frame.slice(at + udp.HEADER_LENGTH)];
    }
    case IPPROTO_TCP: {
      const fields = { ...tcp.parse(view, at, end)!, checksum: undefined, options: tcp.parseOptions(view, at).options };
      return [{ tcp: fields }, frame.slice(at + tcp.headerLength(view, at))];
    }
    case IPPROTO_ICMP: {
      const { type, code, rest } = icmp.parse(view, at, end)!;
      return [{ icmp: { type, code, gateway: rest } }, frame.slice(at + icmp.HEADER_LENGTH)];
    }
    case IPPROTO_IGMP:
      return [{ igmp: igmp.parse(view, at, end)! }];
    case IPPROTO_ICMPV6: {
      const message = nd.parse(view, at, end);
      if (message !== undefined) return [{ nd: message }];
      const listener = mld.parse(view, at, end);
      if (listener !== undefined) return [{ mld: listener }];
      const { type, code, rest } = icmpv6.parse(view, at, end)!;
      return [{ icmpv6: { type, code, mtu: rest } }, frame.slice(at + icmpv6.HEADER_LENGTH)];
    }
    default:
      throw new Error(`protocol ${protocol}`);
  }
}

describe("frames of a Linux kernel", () => {
  test("P50 there are frames of every kind", () => {
    expect(FRAMES.length).toBeGreaterThan(60);
    const abbreviations = new Set(
      FRAMES.flatMap((frame) => [...walk(dissect(frame))].map((node) => node.abbreviation)),
    );
    const kinds = ["arp", "ip", "ipv6", "ipv6.fraghdr", "ipv6.hopopts", "icmp", "icmpv6", "igmp", "udp", "tcp"];
    const fields = [
      "ip.rec_rt",
      "ip.opt.time_stamp",
      "icmpv6.nd.ns.target_address",
      "icmpv6.nd.na.flag",
      "icmpv6.mldr.mar",
    ];
    expect([...kinds, ...fields].filter((name) => !abbreviations.has(name))).toEqual([]);
  });

  test("P50 parsed and composed again they are the same, lengths and checksums included", () => {
    for (const frame of FRAMES) expect(compose(layersOf(frame)), summarize(frame)).toEqual(frame);
  });

  test("P50 no frame is malformed, and every checksum that can be verified is good", () => {
    for (const frame of FRAMES) {
      const tree = dissect(frame);
      expect([...walk(tree)].filter((node) => node.abbreviation === MALFORMED)).toEqual([]);
      for (const prefix of ["ip", "icmp", "igmp", "icmpv6", "udp", "tcp"]) {
        expect(fieldValues(tree, `${prefix}.checksum.status`)).not.toContain(0);
      }
      expect(summarize(frame)).not.toMatch(/\[(?:truncated|bad-|too-many)/);
    }
  });

  testWith(["tshark"], "P50 every field has tshark's name, place and value", () => {
    for (const [i, packet] of tshark(FRAMES).entries()) {
      expect(disagreements(dissect(FRAMES[i]!), packet.fields).unmatched, summarize(FRAMES[i]!)).toEqual([]);
    }
  });
});
