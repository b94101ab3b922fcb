import { add, bindChecksum, fold } from "@seville/checksum";
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, CHECKSUM_UNNECESSARY, PacketPool, type Packet } from "@seville/packet";
import { afterEach, describe, expect, test } from "vitest";
import {
  parseFrame,
  PLAIN_PARSER,
  PROFILES,
  receiveFrame,
  reportChecksum,
  TUNNEL_OFFLOAD,
  TUNNEL_PARSER,
  type RxChecksum,
  type RxCompletion,
  type RxSilicon,
  type RxSwitches,
} from "../src/index.ts";
import { wireFrames, type Request } from "./support/requests.ts";
import { onesSum } from "./support/verify-frame.ts";

/*
 * The receiving silicon and the driver's report, each by itself.
 */

const pool = new PacketPool({ small: 64, jumbo: 2, super: 0, debug: true });
const kernels = bindChecksum(pool.memory);
const made: Packet[] = [];

afterEach(() => {
  for (const packet of made.splice(0)) packet.release();
  pool.assertDrained();
});

const tcp: Request = { inner: 4, protocol: "tcp", payload: 100 };
const ALL_ON: RxSwitches = { checksum: true, vlanStripping: true, hash: true };
const noHash = (): { hash: number; isL4: boolean } => ({ hash: 0, isL4: false });

function packetOf(frame: Uint8Array): Packet {
  const packet = pool.from(frame, 130)!;
  made.push(packet);
  return packet;
}

function only(request: Request): Uint8Array {
  return wireFrames(request)[0]!;
}

describe("C10 what a receiving parser finds, from the outside inwards", () => {
  const rows: readonly (readonly [what: string, request: Request, found: string, innerFrom: number])[] = [
    ["TCP", tcp, "tcp@34", -1],
    ["UDP over IPv6", { inner: 6, protocol: "udp", payload: 9 }, "udp@54", -1],
    ["SCTP", { inner: 4, protocol: "sctp", payload: 40 }, "sctp@34", -1],
    ["behind a tag", { ...tcp, vlan: 3 }, "tcp@38", -1],
    ["VXLAN", { ...tcp, tunnel: "vxlan" }, "udp@34 tcp@84", 1],
    ["Geneve over IPv6", { ...tcp, tunnel: "geneve", outer: 6 }, "udp@54 tcp@104", 1],
    ["GRE without a checksum is passed over", { ...tcp, tunnel: "gre" }, "tcp@58", 0],
    ["GRE with one counts", { ...tcp, tunnel: "gretap", outerCsum: true }, "gre@34 tcp@76", 1],
    ["IP in IP is not looked into", { ...tcp, tunnel: "ipip" }, "", -1],
  ];
  test.each(rows)("%s", (_what, request, found, innerFrom) => {
    const frame = only(request);
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const parsed = parseFrame(view, 0, frame.length, TUNNEL_PARSER);
    expect(parsed.transports.map(({ protocol, at }) => `${protocol}@${at}`).join(" ")).toBe(found);
    expect(parsed.innerFrom).toBe(innerFrom);
  });

  test("a checksum ends with the IP packet, not with Ethernet's padding", () => {
    const short = only({ inner: 4, protocol: "udp", payload: 2 });
    const padded = new Uint8Array(60);
    padded.set(short);
    padded.fill(0x5a, short.length);
    const [header] = parseFrame(new DataView(padded.buffer), 0, 60, PLAIN_PARSER).transports;
    expect(header).toMatchObject({ protocol: "udp", at: 34, end: short.length });
  });

  test("limits: no tunnel deeper than it goes, no header beyond its buffer, no tag too many", () => {
    const frame = only({ ...tcp, tunnel: "vxlan" });
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const count = (change: object): number =>
      parseFrame(view, 0, frame.length, { ...TUNNEL_PARSER, ...change }).transports.length;
    expect([
      count({}),
      count({ tunnelDepth: 0 }),
      count({ maxHeaderBytes: 60 }),
      count({ maxHeaderBytes: 20 }),
    ]).toEqual([2, 1, 1, 0]);
    const tagged = only({ ...tcp, vlan: 3 });
    const taggedView = new DataView(tagged.buffer, tagged.byteOffset, tagged.length);
    expect(parseFrame(taggedView, 0, tagged.length, { ...PLAIN_PARSER, vlanTags: 0 }).transports).toEqual([]);
  });

  test("cut anywhere, it never reads beyond the end", () => {
    for (const request of [
      tcp,
      { ...tcp, inner: 6, tunnel: "vxlan", outer: 6 },
      { ...tcp, tunnel: "gretap", outerCsum: true },
    ] as Request[]) {
      const frame = only(request);
      for (let end = 0; end < frame.length; end++) {
        const exact = frame.slice(0, end);
        for (const { at } of parseFrame(new DataView(exact.buffer), 0, end, TUNNEL_PARSER).transports) {
          expect(at).toBeLessThan(end);
        }
      }
    }
  });
});

describe("C12 the sum that hardware hands up", () => {
  const summing: RxSilicon = { ...TUNNEL_OFFLOAD.silicon.rx, sums: true };

  test.each([tcp, { ...tcp, payload: 101 }, { ...tcp, vlan: 9 }, { ...tcp, tunnel: "vxlan" }] as Request[])(
    "%j: over everything behind the Ethernet header that is left",
    (request) => {
      const frame = only(request);
      const packet = packetOf(frame);
      const parsed = parseFrame(pool.memory.view, packet.data, packet.tail, summing.parser);
      const completion = receiveFrame(kernels, summing, ALL_ON, packet, parsed, noHash);
      // A tag has been taken out.
      const left = request.vlan === undefined ? frame.subarray(14) : frame.subarray(18);
      expect(fold(completion.sum ?? 0)).toBe(onesSum(left));
      expect(completion.vlanTci).toBe(request.vlan ?? -1);
    },
  );

  test("the report is over all data, the Ethernet header among it", () => {
    const packet = packetOf(only(tcp));
    const parsed = parseFrame(pool.memory.view, packet.data, packet.tail, summing.parser);
    reportChecksum(kernels, receiveFrame(kernels, summing, ALL_ON, packet, parsed, noHash));
    expect(packet.ipSummed).toBe(CHECKSUM_COMPLETE);
    expect(fold(packet.csum)).toBe(onesSum(packet.bytes()));
    expect(fold(add(packet.csum, 0))).toBe(fold(kernels.sum(packet.data, packet.length)));
  });

  test("switched off, it looks at nothing", () => {
    const packet = packetOf(only(tcp));
    const parsed = parseFrame(pool.memory.view, packet.data, packet.tail, summing.parser);
    const off = receiveFrame(kernels, summing, { ...ALL_ON, checksum: false }, packet, parsed, noHash);
    expect(off).toMatchObject({ sum: undefined, outer: "unknown", inner: "unknown" });
  });
});

describe("C9 C10 the driver's report, for every combination of what hardware can find", () => {
  const STATES: readonly RxChecksum[] = ["unknown", "absent", "good", "bad"];
  const cases = [false, true].flatMap((isTunnel) =>
    STATES.flatMap((outer) =>
      STATES.flatMap((inner) => [0, 1, 2].map((outerCount) => ({ isTunnel, outer, inner, outerCount }))),
    ),
  );

  /** By the rules in skbuff.h, in plain words: how many checksums in a row, from the outside, need no look. */
  function countByHand({ outer, inner, outerCount }: (typeof cases)[number]): number {
    if (outer === "bad" || inner === "bad") return 0;
    if (outer === "unknown") return 0;
    // Only absent ones, and nothing good behind them: there is nothing to report.
    if (outer === "absent" && outerCount > 0 && inner !== "good") return 0;
    return inner === "good" ? outerCount + 1 : outerCount;
  }

  test("UNNECESSARY with a level, or nothing", () => {
    const packet = packetOf(only(tcp));
    for (const each of cases) {
      packet.ipSummed = CHECKSUM_COMPLETE;
      packet.csum = 4711;
      packet.csumLevel = 3;
      const completion: RxCompletion = {
        packet,
        vlanTci: -1,
        hash: 0,
        hashIsL4: false,
        hasCrc: false,
        sum: undefined,
        ...each,
      };
      reportChecksum(kernels, completion);
      const verified = countByHand(each);
      const expected = verified === 0 ? [CHECKSUM_NONE, 0, 0] : [CHECKSUM_UNNECESSARY, Math.min(3, verified - 1), 0];
      expect([packet.ipSummed, packet.csumLevel, packet.csum], JSON.stringify(each)).toEqual(expected);
    }
  });

  test("a sum serves any of them, unless one is bad or a CRC is in the frame", () => {
    const packet = packetOf(only(tcp));
    for (const each of cases) {
      for (const hasCrc of [false, true]) {
        reportChecksum(kernels, { packet, vlanTci: -1, hash: 0, hashIsL4: false, hasCrc, sum: 1, ...each });
        const isBad = each.outer === "bad" || each.inner === "bad";
        expect(packet.ipSummed === CHECKSUM_COMPLETE, JSON.stringify({ ...each, hasCrc })).toBe(!isBad && !hasCrc);
      }
    }
  });

  test("D4 no profile's silicon hands up both a sum and a verdict of its own that differ", () => {
    for (const { silicon } of PROFILES) {
      expect(silicon.rx.sums && (silicon.rx.verifiesOuter || silicon.rx.verifiesInner)).toBe(false);
    }
  });
});
