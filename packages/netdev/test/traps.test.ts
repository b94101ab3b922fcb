/**
 * What a stack, or a driver, puts on the wire that asks a device for what it cannot do; and that the device's own driver
 * would not have asked.
 */
import { bindChecksum, fold, setPartial } from "@seville/checksum";
import { CHECKSUM_NONE, type Packet } from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  EMBEDDED_SWITCH,
  FeatureSet,
  GSO_ENCAP_ALL,
  GSO_PARTIAL,
  HW_CSUM_PROFILE,
  IP_CSUM,
  NONE,
  PARSING_NIC,
  parsingNic,
  TSO_NO_TUNNEL,
  TUNNEL_OFFLOAD,
  type NicProfile,
} from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf, onesSum } from "./support/verify-frame.ts";
import { World } from "./support/world.ts";

const ANYTHING = FeatureSet.of("SG", "HW_CSUM", "TSO", "TSO6", "TSO_ECN", "SCTP_CRC", "GSO_UDP_L4").with(GSO_ENCAP_ALL);

/** The same silicon with a driver that says it can do anything, and checks nothing. */
function careless({ name, silicon, summary }: NicProfile): NicProfile {
  return {
    name,
    silicon,
    summary,
    hwFeatures: ANYTHING,
    features: ANYTHING,
    hwEncFeatures: ANYTHING,
    vlanFeatures: ANYTHING,
    mplsFeatures: ANYTHING,
    gsoPartialFeatures: FeatureSet.NONE,
  };
}

function sendOver(profile: NicProfile, request: Request, change?: (packet: Packet) => void): Uint8Array[] {
  const world = new World();
  const nic = world.nic("a", { profile });
  const packet = requestPacket(world.pool, request);
  change?.(packet);
  world.send(nic, packet);
  const frames = [...world.wire];
  world.close();
  return frames;
}

interface Trap {
  readonly what: string;
  readonly profile: NicProfile;
  readonly request: Request;
  /** What the verifier says of the first frame that the careless driver makes. */
  readonly fault: string;
}

const tcp4: Request = { inner: 4, protocol: "tcp", payload: 500 };
const traps: readonly Trap[] = [
  {
    what: "C20: a NIC without a checksum unit is asked for one",
    profile: NONE,
    request: tcp4,
    fault: "/ip/tcp: checksum",
  },
  {
    what: "C20: an IP_CSUM NIC is asked for IPv6",
    profile: IP_CSUM,
    request: { ...tcp4, inner: 6 },
    fault: "/ip6/tcp: checksum",
  },
  {
    what: "C21: an IP_CSUM NIC is asked for TCP inside a tunnel, and sums the outer UDP instead",
    profile: IP_CSUM,
    request: { ...tcp4, tunnel: "vxlan" },
    fault: "/ip/udp/vxlan/ip/tcp: checksum",
  },
  {
    what: "C20 C21: an IP_CSUM NIC is asked for a tagged frame, which its parser does not enter",
    profile: careless(IP_CSUM),
    request: { ...tcp4, vlan: 5 },
    fault: "/ip/tcp: checksum",
  },
  {
    what: "C18: a NIC that knows the Internet checksum only is asked for a CRC32c",
    profile: HW_CSUM_PROFILE,
    request: { inner: 4, protocol: "sctp", payload: 100 },
    fault: "/ip/sctp: checksum",
  },
  {
    what: "C22: a parsing NIC is asked for TCP in VXLAN on a port that its table does not have",
    profile: parsingNic({ vxlanPorts: [8472] }),
    request: { ...tcp4, tunnel: "vxlan" },
    fault: "/ip/udp/vxlan/ip/tcp: checksum",
  },
  {
    what: "C22: a parsing NIC is asked behind more headers than its parser's buffer holds",
    profile: parsingNic({ maxHeaderBytes: 96 }),
    request: { ...tcp4, inner: 6, outer: 6, tunnel: "vxlan" },
    fault: "/ip6/udp/vxlan/ip6/tcp: checksum",
  },
  {
    what: "C20 C22: a parsing NIC is asked behind an IPv6 extension header",
    profile: PARSING_NIC,
    request: { ...tcp4, inner: 6, extension: true },
    fault: "/ip6/tcp: checksum",
  },
  {
    what: "S6: a NIC without tunnel segmentation takes the outer UDP for what it is to split",
    profile: TSO_NO_TUNNEL,
    request: { ...tcp4, tunnel: "vxlan", payload: 3000, mss: 1000 },
    fault: "/ip/udp/vxlan/ip: length",
  },
  {
    what: "S7: a GSO_PARTIAL NIC is given a packet whose outer lengths are not those of one frame",
    profile: GSO_PARTIAL,
    request: { ...tcp4, tunnel: "vxlan", outerCsum: true, payload: 3000, mss: 1000 },
    fault: "/ip: length",
  },
  {
    what: "S6: a NIC that splits tunnels without outer checksums is asked for one",
    profile: {
      ...PARSING_NIC,
      silicon: { ...PARSING_NIC.silicon, tx: { ...PARSING_NIC.silicon.tx, outerChecksum: false } },
    },
    request: { ...tcp4, tunnel: "geneve", outerCsum: true, payload: 3000, mss: 1000 },
    fault: "/ip/udp: checksum",
  },
];

describe("D2 wrong requests show on the wire", () => {
  test.each(traps)("$what", ({ profile, request, fault }) => {
    const [first] = sendOver(careless(profile), request);
    expect(first).toBeDefined();
    expect(faultsOf(first!).join(", ")).toContain(fault);
  });

  test.each(traps)("the device's own driver does not ask: $what", ({ profile, request }) => {
    // One of the table is careless by itself; the verdict is about drivers that are not.
    const own = profile.hwFeatures === ANYTHING ? IP_CSUM : profile;
    const frames = sendOver(own, request);
    expect(frames).toEqual(wireFrames(request));
    expect(frames.flatMap((frame) => faultsOf(frame))).toEqual([]);
  });

  test("D2 a super-packet that nobody splits is too long for the wire, and is counted", () => {
    const world = new World();
    const nic = world.nic("a", { profile: careless(HW_CSUM_PROFILE) });
    world.send(nic, requestPacket(world.pool, { ...tcp4, payload: 9000, mss: 1000 }));
    expect(world.wire).toEqual([]);
    expect(world.drops).toEqual(["PKT_TOO_BIG"]);
    expect(nic.hardware.counters.driver.tx_oversize).toBe(1);
    expect(nic.device.txQueueStats.total.hw_drop_errors).toBe(1);
  });

  test("D2 a descriptor that points outside of the frame is refused and counted", () => {
    const world = new World();
    const nic = world.nic("a", { profile: careless(HW_CSUM_PROFILE) });
    const packet = requestPacket(world.pool, tcp4);
    packet.csumStart = packet.tail + 10;
    world.send(nic, packet);
    expect(world.wire).toEqual([]);
    expect(nic.hardware.counters.driver.tx_descriptor_errors).toBe(1);
  });
});

/**
 * The trap that Duyck described: inside a tunnel with an outer checksum, the stack has finished the inner one and asks for
 * the outer. A NIC that sums the innermost header that it recognises "finishes" the inner one again.
 */
describe("C22 C25 D3 the outer checksum is asked for, the NIC sums the inner one", () => {
  const request: Request = { ...tcp4, tunnel: "vxlan", outerCsum: true };

  /** The inner checksum is complete, the outer UDP one is PARTIAL. `mark`: the encapsulation mark is left on. */
  function outerRequested(mark: boolean): (packet: Packet) => void {
    return (packet) => {
      const { view, u8 } = packet.pool.memory;
      const right = wireFrames(request)[0]!;
      u8.set(right, packet.data);
      const udp = packet.transportHeader;
      const length = packet.tail - udp;
      const pseudo = onesSum([...u8.slice(udp - 8, udp), 0, 17, length >> 8, length & 0xff]);
      view.setUint16(udp + 6, pseudo);
      setPartial(packet, udp, 6);
      packet.encapsulation = mark;
    };
  }

  test.each([true, false])("careless (encapsulation %s): both checksums are wrong", (mark) => {
    const [frame] = sendOver(careless(PARSING_NIC), request, outerRequested(mark));
    expect(faultsOf(frame!)).toEqual(["/ip/udp: checksum", "/ip/udp/vxlan/ip/tcp: checksum"]);
  });

  test.each([true, false])("its own driver compares, and software sums (encapsulation %s)", (mark) => {
    expect(sendOver(PARSING_NIC, request, outerRequested(mark))).toEqual(wireFrames(request));
  });

  test.each([HW_CSUM_PROFILE, TUNNEL_OFFLOAD, EMBEDDED_SWITCH])("$name does as it is told", (profile) => {
    expect(sendOver(profile, request, outerRequested(false))).toEqual(wireFrames(request));
  });

  test("C23 C24 with local checksum offload the inner one is asked for, and the same NIC is right", () => {
    expect(sendOver(careless(PARSING_NIC), request)).toEqual(wireFrames(request));
  });
});

describe("C28 tools/testing/selftests/net/lib/csum.c, on transmission", () => {
  const families = [4, 6] as const;
  const profiles = [IP_CSUM, HW_CSUM_PROFILE, PARSING_NIC, TUNNEL_OFFLOAD];
  const cases = profiles.flatMap((profile) =>
    families.flatMap((inner) =>
      (["tcp", "udp"] as const).map((protocol) => ({ profile, inner, protocol, name: profile.name })),
    ),
  );

  test.each(cases)("good $protocol over IPv$inner on $name", ({ profile, inner, protocol }) => {
    const frames = sendOver(profile, { inner, protocol, payload: 333 });
    expect(frames.flatMap((frame) => faultsOf(frame))).toEqual([]);
  });

  test.each(profiles.flatMap((profile) => families.map((inner) => ({ profile, inner, name: profile.name }))))(
    "-Z: UDP over IPv$inner that sums to zero goes out as 0xffff on $name",
    ({ profile, inner }) => {
      const base: Request = { inner, protocol: "udp", payload: 64, sourcePort: 1 };
      const udpAt = inner === 4 ? 34 : 54;
      const first = wireFrames(base)[0]!;
      // The port that makes up for the checksum: then all words sum to 0xffff without it.
      const checksum = (first[udpAt + 6]! << 8) | first[udpAt + 7]!;
      const sourcePort = onesSum([1 >> 8, 1 & 0xff, checksum >> 8, checksum & 0xff]);
      const [frame] = sendOver(profile, { ...base, sourcePort });
      expect([frame![udpAt + 6], frame![udpAt + 7]]).toEqual([0xff, 0xff]);
      expect(faultsOf(frame!)).toEqual([]);
    },
  );

  test.each(profiles)("-z: a UDP checksum of 0 that nobody asked to be computed is left alone by $name", (profile) => {
    const [frame] = sendOver(profile, { inner: 4, protocol: "udp", payload: 64 }, (packet) => {
      packet.ipSummed = CHECKSUM_NONE;
      packet.pool.memory.view.setUint16(packet.transportHeader + 6, 0);
    });
    expect([frame![40], frame![41]]).toEqual([0, 0]);
  });

  /** An unknown header of UDP and 4 bytes in front of TCP, and `csumStart` behind it: a NIC must not second-guess. */
  function withExtraHeader(packet: Packet): void {
    const { u8, view } = packet.pool.memory;
    const at = packet.transportHeader;
    const bytes = packet.tail - at;
    packet.put(12);
    u8.copyWithin(at + 12, at, at + bytes);
    u8.fill(0, at, at + 12);
    view.setUint16(at, 7000);
    view.setUint16(at + 2, 7001);
    view.setUint16(at + 4, bytes + 12);
    view.setUint16(packet.networkHeader + 2, packet.tail - packet.networkHeader);
    view.setUint8(packet.networkHeader + 9, 17);
    view.setUint16(packet.networkHeader + 10, 0);
    const header = u8.slice(packet.networkHeader, packet.networkHeader + 20);
    view.setUint16(packet.networkHeader + 10, ~onesSum(header) & 0xffff);
    packet.csumStart = at + 12;
  }

  test.each([
    { profile: HW_CSUM_PROFILE, good: true },
    { profile: TUNNEL_OFFLOAD, good: true },
    { profile: PARSING_NIC, good: true },
    { profile: careless(PARSING_NIC), good: false },
    { profile: careless(IP_CSUM), good: false },
  ])("-e: an extra header in front of TCP; $profile.name is right: $good", ({ profile, good }) => {
    const [frame] = sendOver(profile, tcp4, withExtraHeader);
    // The receiver knows where the TCP header is: behind 14 + 20 + 12 bytes.
    const segment = frame!.subarray(46);
    const pseudo = [192, 0, 2, 1, 192, 0, 2, 2, 0, 6, segment.length >> 8, segment.length & 0xff];
    expect(onesSum([...pseudo, ...segment]) === 0xffff).toBe(good);
  });

  test("the helper of this file sums as the package does", () => {
    const world = new World();
    const packet = requestPacket(world.pool, tcp4);
    expect(onesSum(packet.bytes())).toBe(fold(bindChecksum(world.pool.memory).sum(packet.data, packet.length)));
    packet.release();
  });
});
