import {
  CHECKSUM_PARTIAL,
  compose,
  dissect,
  ethernet,
  fieldValues,
  findField,
  icmp,
  ipv4,
  ipv6,
  parseIpv4,
  parseIpv6,
  SKB_GSO_TCPV4,
  type Packet,
} from "@seville/packet";
import { beforeAll, describe, expect, test } from "vitest";
import { tshark, type TsharkPacket } from "../../packet/test/tshark.ts";
import { missing, testWith } from "../../../tools/testing/needs.ts";
import { checkMtu, composeTooBig, TunnelEndpoint, tunnelMtu, type Tunnel } from "../src/index.ts";
import { contextOf, drainedPool, load, take } from "./support/packets.ts";
import { A4, A6, B4, B6, frameOf, inner4, inner6, MAC_A, MAC_B } from "./support/samples.ts";

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };
const option = { class: 1, type: 1, critical: false, data: new Uint8Array(8) };

function overheadOf(tunnel: Tunnel): TunnelEndpoint["overhead"] {
  return new TunnelEndpoint(tunnel, contextOf(pool)).overhead;
}

describe("T10 what a tunnel takes of the path's MTU", () => {
  test.each([
    ["VXLAN over IPv4", { kind: "vxlan", id: 1, ...v4 }, 50],
    ["VXLAN over IPv6", { kind: "vxlan", id: 1, ...v6 }, 70],
    ["Geneve", { kind: "geneve", id: 1, ...v4 }, 50],
    ["Geneve with an option of 8 bytes", { kind: "geneve", id: 1, ...v4, options: [option] }, 62],
    ["GRE", { kind: "gre", ...v4 }, 24],
    ["GRE with checksum, key and sequence number", { kind: "gre", ...v4, ocsum: true, okey: 1, oseq: true }, 36],
    ["GRE-TAP", { kind: "gretap", ...v4 }, 38],
    ["NVGRE", { kind: "nvgre", ...v4, vsid: 1 }, 42],
    ["ERSPAN III", { kind: "erspan", ...v4, erspanVer: 2 }, 54],
    ["IPIP", { kind: "ipip", ...v4 }, 20],
    ["SIT", { kind: "sit", ...v4 }, 20],
    ["ip6tnl with its limit", { kind: "ip6tnl", ...v6 }, 48],
    ["ip6tnl without", { kind: "ip6tnl", ...v6, encaplimit: "none" }, 40],
    ["IPIP in FOU", { kind: "ipip", ...v4, encap: { type: "fou", dport: 5 } }, 28],
    ["GRE in GUE", { kind: "gre", ...v4, encap: { type: "gue", dport: 5 } }, 36],
    ["SIT in GUE with remote checksums", { kind: "sit", ...v4, encap: { type: "gue", dport: 5, remcsum: true } }, 40],
  ] as const)("T10 %s: %o", (_name, tunnel, bytes) => {
    const overhead = overheadOf(tunnel);
    expect(overhead.mtu).toBe(bytes);
    expect(tunnelMtu(overhead, 1500)).toBe(1500 - bytes);
  });

  test("T10 never below what the inner family must be able to send", () => {
    const overhead = overheadOf({ kind: "vxlan", id: 1, ...v4 });
    expect([tunnelMtu(overhead, 100, 0x0800), tunnelMtu(overhead, 1300, 0x86dd)]).toEqual([68, 1280]);
  });
});

const VXLAN = overheadOf({ kind: "vxlan", id: 1, ...v4 });
const IPIP = overheadOf({ kind: "ipip", ...v4 });

function verdictOf(bytes: Uint8Array, overhead = VXLAN, pathMtu = 1500): string {
  const packet = load(pool, bytes, overhead.ethernet > 0);
  const { action } = checkMtu(packet, overhead, pathMtu);
  packet.release();
  return action;
}

/** A packet of `length` bytes. */
const sized4 = (length: number, dontFragment: boolean): Uint8Array<ArrayBuffer> =>
  inner4({ payload: new Uint8Array(length - 28), dontFragment });
const sized6 = (length: number): Uint8Array<ArrayBuffer> => inner6({ payload: new Uint8Array(length - 48) });

describe("T10 does it fit", () => {
  test("T10 the largest that fits, and one more", () => {
    expect([1450, 1451].map((length) => verdictOf(frameOf(sized4(length, true))))).toEqual(["fits", "too-big"]);
    expect([1450, 1451].map((length) => verdictOf(frameOf(sized4(length, false))))).toEqual(["fits", "fragment"]);
    expect([1450, 1451].map((length) => verdictOf(frameOf(sized6(length))))).toEqual(["fits", "too-big"]);
    expect([1480, 1481].map((length) => verdictOf(sized4(length, true), IPIP))).toEqual(["fits", "too-big"]);
  });

  test("T10 a VLAN tag takes room too; what is not IP can only be dropped", () => {
    const tagged = compose([
      { ethernet: { destination: MAC_B, source: MAC_A } },
      { vlan: { id: 5, etherType: 0x0800 } },
      sized4(1448, true),
    ]);
    expect(verdictOf(tagged)).toBe("too-big");
    const other = compose([
      { ethernet: { destination: MAC_B, source: MAC_A, etherType: 0x88b5 } },
      new Uint8Array(1451),
    ]);
    expect(verdictOf(other)).toBe("drop");
  });

  function superPacket(gsoSize: number): Packet {
    const bytes = compose([
      { ipv4: { source: 1, destination: 2, dontFragment: true } },
      {
        tcp: {
          sourcePort: 1,
          destinationPort: 2,
          sequence: 1,
          flags: 16,
          window: 1,
          options: [{ kind: "timestamps", value: 1, echoReply: 1 }],
        },
      },
      new Uint8Array(8000),
    ]);
    const packet = load(pool, frameOf(bytes), true);
    Object.assign(packet, { gsoSize, gsoSegs: 6, gsoType: SKB_GSO_TCPV4, ipSummed: CHECKSUM_PARTIAL });
    return packet;
  }

  test("T10 a super-packet is judged by its segments (skb_gso_validate_network_len)", () => {
    for (const [gsoSize, action] of [
      [1450 - 52, "fits"],
      [1450 - 51, "too-big"],
    ] as const) {
      const packet = superPacket(gsoSize);
      expect(checkMtu(packet, VXLAN, 1500)).toMatchObject({ action, length: gsoSize + 52, mtu: 1450 });
      packet.release();
    }
  });
});

/** The answer to a packet, as bytes, or `undefined`. */
function answerTo(
  bytes: Uint8Array,
  mtu: number,
  isEthernet = true,
  source?: number,
): Uint8Array<ArrayBuffer> | undefined {
  const packet = load(pool, bytes, isEthernet);
  const answer = composeTooBig(packet, { mtu, isEthernet, source });
  packet.release();
  return answer === undefined ? undefined : take(answer);
}

describe("T10 what the inner source is told", () => {
  const frames = new Map<string, Uint8Array<ArrayBuffer>>([
    ["IPv4", answerTo(frameOf(sized4(1451, true)), 1450)!],
    ["IPv6", answerTo(frameOf(sized6(1451)), 1450)!],
    ["IPv4, small", answerTo(frameOf(sized4(100, true)), 600)!],
  ]);
  const seen = new Map<string, TsharkPacket>();
  beforeAll(() => {
    if (missing("tshark") !== undefined) return;
    const packets = tshark([...frames.values()]);
    [...frames.keys()].forEach((name, i) => seen.set(name, packets[i]!));
  }, 60_000);

  for (const name of frames.keys()) {
    testWith(["tshark"], `T10 tshark finds nothing wrong with it: ${name}`, () => {
      expect(seen.get(name)!.complaints).toEqual([]);
    });
  }

  test("T10 fragmentation needed, to the source and in the name of the destination, no longer than 576 bytes (RFC 1812 §4.3.2.3)", () => {
    const answer = frames.get("IPv4")!;
    const view = new DataView(answer.buffer);
    expect(ethernet.parse(view, 0, 14)).toEqual({ destination: MAC_A, source: MAC_B, etherType: 0x0800 });
    expect(ipv4.parse(view, 14, answer.length)).toMatchObject({
      source: parseIpv4("10.1.0.2"),
      destination: parseIpv4("10.1.0.1"),
      totalLength: 576,
      dontFragment: true,
    });
    expect([icmp.type(view, 34), icmp.code(view, 34), icmp.nextHopMtu(view, 34)]).toEqual([3, 4, 1450]);
    const tree = dissect(answer);
    expect(findField(tree, "icmp.checksum.status")?.value).toBe(1);
    expect(fieldValues(tree, "ip.checksum.status")[0]).toBe(1);
  });

  test("T10 packet too big, no longer than 1280 bytes (RFC 4443 §3.2)", () => {
    const answer = frames.get("IPv6")!;
    const view = new DataView(answer.buffer);
    expect(answer.length).toBe(14 + 1280);
    expect(ipv6.parse(view, 14, answer.length)).toMatchObject({ destination: parseIpv6("fd00::1"), nextHeader: 58 });
    const tree = dissect(answer);
    expect(findField(tree, "icmpv6.mtu")?.value).toBe(1450);
    expect(findField(tree, "icmpv6.checksum.status")?.value).toBe(1);
  });

  test("T10 a routed tunnel answers in its own name, without a frame", () => {
    const answer = answerTo(sized4(1481, true), 1480, false, A4)!;
    expect(ipv4.source(new DataView(answer.buffer), 0)).toBe(A4);
    expect(findField(dissect(frameOf(answer)), "icmp.checksum.status")?.value).toBe(1);
  });

  const ipv4Frame = (fields: object, ...layers: Parameters<typeof compose>[0][number][]): Uint8Array =>
    frameOf(
      compose([{ ipv4: { source: 0x0a010001, destination: 0x0a010002, dontFragment: true, ...fields } }, ...layers]),
    );
  const ipv6Frame = (
    source: string,
    destination: string,
    ...layers: Parameters<typeof compose>[0][number][]
  ): Uint8Array =>
    frameOf(compose([{ ipv6: { source: parseIpv6(source), destination: parseIpv6(destination) } }, ...layers]));
  const data = new Uint8Array(1500);

  test.each([
    ["IPv4 that may be fragmented", ipv4Frame({ dontFragment: false, protocol: 17 }, data), 1450],
    ["a fragment", ipv4Frame({ moreFragments: true, protocol: 17 }, data), 1450],
    ["an MTU below 576", ipv4Frame({ protocol: 17 }, data), 575],
    ["an ICMP error", ipv4Frame({}, { icmp: { type: 3, code: 4, nextHopMtu: 1 } }, data), 1450],
    ["a broadcast", ipv4Frame({ destination: 0xffff_ffff, protocol: 17 }, data), 1450],
    ["a multicast", ipv4Frame({ destination: 0xe000_0001, protocol: 17 }, data), 1450],
    ["a source that nobody has", ipv4Frame({ source: 0, protocol: 17 }, data), 1450],
    ["a loopback source", ipv4Frame({ source: 0x7f00_0001, protocol: 17 }, data), 1450],
    ["an MTU below 1280", ipv6Frame("fd00::1", "fd00::2", { udp: { sourcePort: 1, destinationPort: 2 } }, data), 1279],
    ["an ICMPv6 error", ipv6Frame("fd00::1", "fd00::2", { icmpv6: { type: 2, mtu: 1280 } }, data), 1450],
    ["the unspecified source", ipv6Frame("::", "fd00::2", { udp: { sourcePort: 1, destinationPort: 2 } }, data), 1450],
    ["a group", ipv6Frame("fd00::1", "ff02::1", { udp: { sourcePort: 1, destinationPort: 2 } }, data), 1450],
    ["what is not IP", compose([{ ethernet: { destination: 1, source: 2, etherType: 0x88b5 } }, data]), 1450],
  ])("T10 nobody is told of %s (RFC 1122 §3.2.2, RFC 4443 §2.4)", (_name, frame, mtu) => {
    expect(answerTo(frame, mtu)).toBeUndefined();
  });

  test("T10 echo requests are told of, though they are ICMP", () => {
    const echo = ipv4Frame({}, { icmp: { type: 8, identifier: 1, sequence: 1 } }, data);
    expect(answerTo(echo, 1450)).toBeDefined();
  });
});
