import { CHECKSUM_PARTIAL, ETH_P_IP, ethernet, IPPROTO_UDP, ipv4, ipv6, udp } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { TunnelEndpoint, type OuterPath, type Tunnel } from "../src/index.ts";
import * as erspan from "../src/header/erspan.ts";
import * as gre from "../src/header/gre.ts";
import { contextOf, drainedPool, finishAndTake, hex, load, networkPacket, received, take } from "./support/packets.ts";
import { RECORDINGS, TUNNELS } from "./support/recordings.ts";

/*
 * What a Linux kernel (6.1, and 6.12 for FOU and GUE) put on the wire. We read it, and wrapping the same inner packet gives
 * the same bytes, once the fields that the kernel chooses anew for each packet are given to us as it chose them.
 */

const pool = drainedPool();

/** What the kernel chose: IPv4 identification, source port, flow label, GRE sequence number, ERSPAN timestamp. */
interface Chosen {
  readonly ipId: number;
  readonly sourcePort: number | undefined;
  readonly flowLabel: number | undefined;
  readonly sequence: number | undefined;
  readonly timestamp: number | undefined;
}

function readChoices(outer: Uint8Array<ArrayBuffer>, tunnel: Tunnel): Chosen {
  const view = new DataView(outer.buffer);
  const isV4 = ipv4.version(view, 0) === 4;
  const behind = isV4 ? 20 : ipv6.walkExtensions(view, 0, outer.length).at;
  const protocol = isV4 ? ipv4.protocol(view, 0) : ipv6.walkExtensions(view, 0, outer.length).protocol;
  const isGre = protocol === 47;
  const hasSequence = isGre && (gre.flags(view, behind) & gre.FLAG_SEQUENCE) !== 0;
  const isTypeIII = tunnel.kind === "erspan" && tunnel.erspanVer === 2;
  return {
    ipId: isV4 ? ipv4.identification(view, 0) : 0,
    sourcePort: protocol === IPPROTO_UDP ? udp.sourcePort(view, behind) : undefined,
    flowLabel: isV4 ? undefined : ipv6.flowLabel(view, 0),
    sequence: hasSequence ? gre.sequence(view, behind) : undefined,
    timestamp: isTypeIII ? erspan.timestamp(view, behind + gre.headerLength(view, behind)) : undefined,
  };
}

/** The tunnel with its choices made. A label that is configured is not one. */
function withChoices(tunnel: Tunnel, chosen: Chosen): Tunnel {
  const label = tunnel.flowlabel ?? chosen.flowLabel;
  const port = chosen.sourcePort;
  const labelled = label === undefined ? tunnel : { ...tunnel, flowlabel: label };
  if (port === undefined) return labelled;
  if (labelled.kind === "vxlan" || labelled.kind === "geneve")
    return { ...labelled, srcport: { min: port, max: port + 1 } };
  if ("encap" in labelled && labelled.encap !== undefined) {
    return { ...labelled, encap: { ...labelled.encap, sport: labelled.encap.sport ?? port } };
  }
  return labelled;
}

describe.each(Object.keys(TUNNELS))("T1-T5 what Linux sends: %s", (name) => {
  const tunnel = TUNNELS[name]!;
  const recording = RECORDINGS[name]!;
  const frames = recording.outer;

  test(`decapsulation gives what went in (${recording.command})`, () => {
    expect(frames.length).toBeGreaterThan(1);
    const wentIn = new Set(recording.inner.map(hex));
    // The receiver's addresses are the sender's turned round: decapsulation does not look at them.
    const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
    for (const frame of frames) {
      const packet = received(pool, networkPacket(frame));
      expect(endpoint.decapsulate(packet)).toBeUndefined();
      const start = endpoint.info.isEthernet ? packet.networkHeader - ethernet.HEADER_LENGTH : packet.networkHeader;
      expect(packet.data).toBe(start);
      if (packet.ipSummed === CHECKSUM_PARTIAL) packet.ipSummed = 0;
      expect(wentIn).toContain(hex(take(packet)));
    }
    expect(endpoint.stats.rxPackets).toBe(frames.length);
  });

  test("encapsulation gives the same bytes", () => {
    for (const frame of frames) {
      const outer = networkPacket(frame);
      const chosen = readChoices(outer, tunnel);
      const context = contextOf(pool);
      const endpoint = new TunnelEndpoint(withChoices(tunnel, chosen), context);
      const packet = received(pool, outer);
      expect(endpoint.decapsulate(packet)).toBeUndefined();
      // As it went into the kernel's tunnel: an inner checksum that was left to the receiver is left again.
      const partial =
        packet.ipSummed === CHECKSUM_PARTIAL ? [packet.csumStart - packet.data, packet.csumOffset] : undefined;
      const inner = take(packet);
      const again = load(pool, inner, endpoint.isEthernet);
      if (partial !== undefined) {
        again.ipSummed = CHECKSUM_PARTIAL;
        again.csumStart = again.data + partial[0]!;
        again.csumOffset = partial[1]!;
      }
      context.nextIpId = chosen.ipId;
      endpoint.state.oSeqno = chosen.sequence ?? 0;
      const path: OuterPath = { timestamp: chosen.timestamp, hopLimit: 64 };
      expect(endpoint.encapsulate(again, { ...path, ...multicastHop(outer) })).toBe("ok");
      const ours = finishAndTake(again, context);
      if (tunnel.kind === "erspan" && tunnel.erspanVer > 0) copyClassOfIpv6(ours, outer);
      expect(hex(ours)).toBe(hex(outer));
    }
  });
});

/**
 * The kernel reads the class of service of a mirrored IPv6 frame where the TOS of IPv4 would stand, and so finds bits of the flow
 * label (erspan_build_header asks whether the *tunnel* is over IPv4). We take the traffic class.
 */
function copyClassOfIpv6(ours: Uint8Array, theirs: Uint8Array): void {
  const header = 20 + 8;
  const frame = header + (ours[header]! >>> 4 === erspan.VERSION_II ? erspan.TYPE_II_LENGTH : erspan.TYPE_III_LENGTH);
  const isIpv6 = ours[frame + 12] === 0x86 && ours[frame + 13] === 0xdd;
  if (isIpv6) ours[header + 2] = (ours[header + 2]! & 0x1f) | (theirs[header + 2]! & 0xe0);
}

/** Neighbour discovery in the recordings goes through the tunnel as everything else: nothing differs. */
function multicastHop(outer: Uint8Array<ArrayBuffer>): OuterPath {
  return new DataView(outer.buffer).getUint8(0) >>> 4 === 4 ? { linkHeadroom: 16 } : {};
}

test("T6 the kernel's source ports lie where ours would: in ip_local_port_range, one for each flow", () => {
  const ports = new Map<string, Set<number>>();
  for (const frame of RECORDINGS["vxlan"]!.outer) {
    const view = new DataView(frame.buffer);
    expect(ethernet.etherType(view, 0)).toBe(ETH_P_IP);
    const port = udp.sourcePort(view, 34);
    expect(port).toBeGreaterThanOrEqual(32_768);
    expect(port).toBeLessThan(60_999);
    const flow = hex(frame.subarray(50 + 12, 50 + 14));
    ports.set(flow, (ports.get(flow) ?? new Set()).add(port));
  }
  expect(ports.size).toBeGreaterThan(1);
});
