import { bindChecksum } from "@seville/checksum";
import { PacketPool, type Packet } from "@seville/packet";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  checksumRequest,
  HW_CSUM_PROFILE,
  IP_CSUM,
  NONE,
  PARSING_NIC,
  PLAIN_PARSER,
  segmentationRequest,
  TSO_NO_TUNNEL,
  TUNNEL_OFFLOAD,
  transmitFrames,
  type ChecksumRequest,
  type SegmentationRequest,
  type TxDescriptor,
  type TxSilicon,
} from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf } from "./support/verify-frame.ts";

/*
 * The silicon by itself, no driver in front: a descriptor goes in, frames come out, right or wrong as the hardware is.
 */

const pool = new PacketPool({ small: 256, jumbo: 8, super: 8, debug: true });
const kernels = bindChecksum(pool.memory);
const out: Packet[] = [];

afterEach(() => {
  for (const packet of out.splice(0)) packet.release();
  pool.assertDrained();
});

const tcp: Request = { inner: 4, protocol: "tcp", payload: 500 };
const big: Request = { ...tcp, payload: 5000, mss: 1000 };

function descriptorOf(packet: Packet, change: Partial<TxDescriptor> = {}): TxDescriptor {
  return {
    packet,
    vlanTci: packet.vlanTci,
    checksum: checksumRequest(packet),
    segmentation: segmentationRequest(packet),
    ...change,
  };
}

/** The frames that `silicon` makes, and its error. */
function made(
  silicon: TxSilicon,
  request: Request,
  change: Partial<TxDescriptor> = {},
): { frames: Uint8Array[]; error: string | undefined } {
  const result = transmitFrames(kernels, silicon, descriptorOf(requestPacket(pool, request), change));
  out.push(...result.frames);
  return { frames: result.frames.map((frame) => frame.bytes().slice()), error: result.error };
}

/** Silicon that does everything, but for what is said. */
function silicon(change: Partial<TxSilicon> = {}): TxSilicon {
  return { ...TUNNEL_OFFLOAD.silicon.tx, ...change };
}

describe("C16 a checksum request is carried out as it stands", () => {
  const rows: readonly (readonly [what: string, request: Request])[] = [
    ["TCP over IPv4", tcp],
    ["TCP over IPv6", { ...tcp, inner: 6 }],
    ["UDP behind an extension header", { inner: 6, protocol: "udp", payload: 77, extension: true }],
    ["TCP in VXLAN", { ...tcp, tunnel: "vxlan" }],
    ["UDP in GRE with a checksum", { inner: 4, protocol: "udp", payload: 300, tunnel: "gre", outerCsum: true }],
    ["SCTP", { inner: 4, protocol: "sctp", payload: 64 }],
    ["an odd length", { ...tcp, payload: 333 }],
    ["no payload", { ...tcp, payload: 0 }],
  ];
  test.each(rows)("%s: start and offset are all that it looks at", (_what, request) => {
    const { frames, error } = made(silicon(), request);
    expect(error).toBeUndefined();
    expect(frames).toEqual(wireFrames(request));
  });

  test("nothing asked, nothing done: the bytes go out as they came", () => {
    const packet = requestPacket(pool, tcp);
    const before = packet.bytes().slice();
    const { frames } = transmitFrames(kernels, silicon(), descriptorOf(packet, { checksum: undefined }));
    out.push(...frames);
    expect(frames[0]!.bytes()).toEqual(before);
  });

  test("a unit that there is not changes nothing, and is no error: the hardware does not know better", () => {
    const { frames, error } = made(NONE.silicon.tx, tcp);
    expect(error).toBeUndefined();
    expect(faultsOf(frames[0]!)).toEqual(["/ip/tcp: checksum"]);
  });

  test("a CRC32c from silicon that knows none is left out", () => {
    const { frames } = made(silicon({ crc32c: false }), { inner: 4, protocol: "sctp", payload: 64 });
    expect(faultsOf(frames[0]!)).toEqual(["/ip/sctp: checksum"]);
  });

  const outside: readonly (readonly [what: string, request: ChecksumRequest])[] = [
    ["behind the frame", { kind: "internet", start: 5000, offset: 16 }],
    ["before it", { kind: "internet", start: -20, offset: 6 }],
    ["a field that is cut by the end", { kind: "internet", start: 34, offset: 519 }],
    ["a CRC that is cut by the end", { kind: "crc32c", start: 34, offset: 518 }],
  ];
  test.each(outside)("D2 a descriptor that points %s is refused, and its packet is let go", (_what, checksum) => {
    expect(made(silicon(), tcp, { checksum })).toEqual({ frames: [], error: "bad-descriptor" });
  });
});

describe("C22 silicon that parses looks at the request only to see that there is one", () => {
  test("wherever it is asked to, it sums the innermost header that it knows", () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(60), (start, offset) => {
        const { frames, error } = made(
          PARSING_NIC.silicon.tx,
          { ...tcp, tunnel: "vxlan" },
          {
            checksum: { kind: "internet", start, offset },
          },
        );
        expect(error).toBeUndefined();
        expect(frames).toEqual(wireFrames({ ...tcp, tunnel: "vxlan" }));
        for (const packet of out.splice(0)) packet.release();
      }),
      { numRuns: 60 },
    );
  });

  test("IPv6 is nothing to silicon that does not know it", () => {
    const { frames } = made(IP_CSUM.silicon.tx, { ...tcp, inner: 6 });
    expect(faultsOf(frames[0]!)).toEqual(["/ip6/tcp: checksum"]);
    expect(made(IP_CSUM.silicon.tx, tcp).frames).toEqual(wireFrames(tcp));
  });

  test("what it does not recognise leaves as it is", () => {
    const { frames } = made(silicon({ checksum: "parser", parser: { ...PLAIN_PARSER, vlanTags: 0 } }), {
      ...tcp,
      inner: 6,
      extension: true,
    });
    expect(faultsOf(frames[0]!)).toEqual(["/ip6/tcp: checksum"]);
  });
});

describe("S2 S3 segmentation by the silicon", () => {
  const rows: readonly (readonly [what: string, request: Request])[] = [
    ["TCP over IPv4", big],
    ["TCP over IPv6", { ...big, inner: 6 }],
    ["datagrams", { ...big, protocol: "udp" }],
    ["FIN, PSH and CWR", { ...big, flags: 0x99 }],
    ["a short last frame", { ...big, payload: 4321 }],
    ["an identification that wraps", { ...big, id: 0xfffe }],
    ["in VXLAN, outer checksum", { ...big, tunnel: "vxlan", outerCsum: true }],
    ["in Geneve over IPv6", { ...big, tunnel: "geneve", outer: 6, outerCsum: true }],
    ["in GRE, checksum", { ...big, tunnel: "gre", outerCsum: true }],
    ["in IP in IP", { ...big, tunnel: "ipip" }],
  ];
  test.each(rows)("%s: every frame as if it had been composed by itself", (_what, request) => {
    const { frames, error } = made(silicon(), request);
    expect(error).toBeUndefined();
    expect(frames).toEqual(wireFrames(request));
  });

  test("without a unit the frame stays whole, longer than any wire takes it", () => {
    const { frames } = made(HW_CSUM_PROFILE.silicon.tx, big);
    expect(frames.map(({ length }) => length)).toEqual([5054]);
  });

  test("a unit that knows no tunnel replicates the outermost header it knows: wrong behind VXLAN", () => {
    const { frames } = made(TSO_NO_TUNNEL.silicon.tx, { ...big, tunnel: "vxlan", outerCsum: true });
    expect(frames.length).toBeGreaterThan(1);
    expect(frames.flatMap((frame) => faultsOf(frame))).not.toEqual([]);
  });

  test("without the outer unit a tunnel's checksum is wrong in every frame", () => {
    const { frames } = made(silicon({ outerChecksum: false }), { ...big, tunnel: "vxlan", outerCsum: true });
    expect(frames).toHaveLength(5);
    for (const frame of frames) expect(faultsOf(frame).join()).toMatch(/\/ip\/udp: checksum/);
  });

  const nonsense: readonly (readonly [what: string, change: Partial<SegmentationRequest>])[] = [
    ["a transport header behind the frame", { transport: 60_000 }],
    ["a network header behind the transport header", { network: 40 }],
    ["no payload in a frame", { mss: 0 }],
  ];
  test.each(nonsense)("D2 %s is a bad descriptor", (_what, change) => {
    const packet = requestPacket(pool, big);
    const segmentation = { ...(segmentationRequest(packet) as SegmentationRequest), ...change };
    const result = transmitFrames(kernels, silicon(), descriptorOf(packet, { segmentation }));
    out.push(...result.frames);
    expect(result).toMatchObject({ frames: [], error: "bad-descriptor" });
  });

  test("no memory for the frames: none goes out, and everything is given back", () => {
    const hoard = pool.allocMany(pool.available(1000) - 3, 1000) ?? [];
    const small = requestPacket(pool, { ...tcp, payload: 1200, mss: 100 });
    const rest = pool.allocMany(pool.available(100), 100) ?? [];
    const result = transmitFrames(kernels, silicon(), descriptorOf(small));
    expect(result).toEqual({ frames: [], error: "no-memory" });
    for (const packet of [...hoard, ...rest]) packet.release();
  });
});

describe("D7 tags are inserted last, and only by silicon that can", () => {
  test("into every frame of a split", () => {
    const request: Request = { ...big, vlan: 0x123 };
    expect(made(silicon(), request).frames).toEqual(wireFrames(request));
  });

  test("silicon that cannot sends untagged frames: its driver must not ask", () => {
    expect(made(silicon({ vlanInsertion: false }), { ...tcp, vlan: 7 }).frames).toEqual(wireFrames(tcp));
  });

  test("a wire carries bytes: nothing that the host had noted about a frame is left on it", () => {
    for (const request of [tcp, big, { ...tcp, tunnel: "vxlan", vlan: 5 } as Request]) {
      made(silicon(), request);
      for (const frame of out) {
        expect(frame).toMatchObject({
          ipSummed: 0,
          csumNotInet: false,
          encapsulation: false,
          gsoSize: 0,
          gsoType: 0,
          vlanTci: -1,
        });
      }
    }
  });
});
