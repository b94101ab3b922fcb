import { ipv4HeaderValid, writeIpv4HeaderChecksum } from "../../../packages/checksum/src/index.ts";
import { PacketPool, type Packet } from "../../../packages/packet/src/index.ts";
import {
  createGro,
  createLro,
  segment,
  type SegmentOptions,
  type UdpTunnelShape,
} from "../../../packages/tso/src/index.ts";
import type { FuzzTarget } from "../target.ts";

/** Bytes of the input that say how the rest is to be read. */
const CONTROL = 24;
const pool = new PacketPool({ small: 600, jumbo: 8, super: 4 });

const TUNNELS: readonly UdpTunnelShape[] = [
  { name: "vxlan", ports: [4789], headerBytes: 8, inner: { etherType: 0x6558 } },
  {
    name: "geneve",
    ports: [6081],
    headerBytes: 8,
    options: { offset: 0, mask: 0x3f, unit: 4 },
    inner: { etherTypeAt: 2 },
  },
  { name: "gue", ports: [6080], headerBytes: 4, options: { offset: 0, mask: 31, unit: 4 }, inner: { protocolAt: 1 } },
];

/**
 * Segmentation of any bytes with metadata that lies, and GRO and LRO of any frames: a refusal or packets that hold together,
 * and at the end every slot is back.
 */
export const target: FuzzTarget = {
  run(input) {
    if (input.length < CONTROL) return;
    segmentOne(input);
    mergeAll(input, 0);
    mergeAll(input, 1);
    pool.assertDrained();
  },
  seeds() {
    return [seed(4, 0), seed(6, 0), seed(4, 1), ...(["none", "ip", "gre", "vxlan"] as const).map(train)];
  },
};

function segmentOne(input: Uint8Array): void {
  const packet = lyingPacket(input);
  const size = packet.totalLength;
  let count = 0;
  const outcome = segment(
    packet,
    (one) => {
      count++;
      check(one, size);
      one.release();
    },
    optionsOf(input[20] as number),
  );
  if (outcome.ok && outcome.segments !== count) throw new Error(`${outcome.segments} segments, ${count} handed over`);
  if (outcome.ok) return;
  if (count > 0) throw new Error(`refused with ${outcome.reason} after ${count} segments`);
  if (packet.totalLength !== size) throw new Error(`refused with ${outcome.reason}, and changed`);
  packet.release();
}

/** The frame is the input behind the control bytes, part of it in fragments; every field is what the input says. */
function lyingPacket(input: Uint8Array): Packet {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const frame = input.subarray(CONTROL);
  const linear = Math.min(frame.length, view.getUint16(18));
  const packet = take(frame.subarray(0, linear));
  for (let at = linear; at < frame.length; at += 700) {
    (packet.fragList ??= []).push(take(frame.subarray(at, Math.min(at + 700, frame.length))));
  }
  const { data } = packet;
  packet.gsoSize = view.getUint16(0);
  packet.gsoType = view.getUint32(2);
  packet.macHeader = data;
  packet.networkHeader = data + view.getInt8(6);
  packet.transportHeader = data + view.getInt8(7);
  packet.innerMacHeader = data + view.getInt16(8);
  packet.innerNetworkHeader = data + view.getInt16(10);
  packet.innerTransportHeader = data + view.getInt16(12);
  packet.csumStart = data + view.getInt16(14);
  packet.csumOffset = view.getUint8(16);
  packet.ipSummed = (view.getUint8(17) & 3) as 0 | 1 | 2 | 3;
  packet.encapsulation = (view.getUint8(17) & 4) !== 0;
  packet.csumNotInet = (view.getUint8(17) & 8) !== 0;
  return packet;
}

function take(bytes: Uint8Array): Packet {
  const packet = pool.from(bytes, 400);
  if (packet === undefined) throw new Error("the target's pool is empty: something leaks");
  return packet;
}

function optionsOf(bits: number): SegmentOptions {
  return {
    csum: (bits & 1) !== 0,
    encCsum: (bits & 2) !== 0,
    sctpCrc: (bits & 4) !== 0,
    gsoPartial: (bits & 8) !== 0,
    ...((bits & 16) === 0 ? {} : { mangleId: (bits & 32) === 0 ? ("fixed" as const) : ("increment" as const) }),
    ...((bits & 64) === 0 ? {} : { fragmentId: () => 7 }),
  };
}

/** A segment lies within its slot, is not longer than its super-packet and a fragment header, and its IPv4 header is sound. */
function check(one: Packet, size: number): void {
  const { memory } = one.pool;
  if (one.data < one.head || one.tail > one.end || one.length <= 0) throw new Error("a segment outside of its slot");
  if (one.length > size + 8) throw new Error(`a segment of ${one.length} bytes, of a packet of ${size}`);
  const network = one.networkHeader;
  if (network < one.data || network + 20 > one.tail) throw new Error("a network header outside of the segment");
  if (memory.view.getUint8(network) >> 4 === 4 && !ipv4HeaderValid(memory.view, network)) {
    throw new Error("a segment with a wrong IPv4 header checksum");
  }
}

/** Cuts the input into frames by its own length bytes, merges them, and splits what was merged. */
function mergeAll(input: Uint8Array, way: number): void {
  let bytesIn = 0;
  let supers = 0;
  const sink = (packet: Packet): void => {
    if (packet.gsoSize === 0 || packet.fragList === undefined) {
      packet.release();
      return;
    }
    supers++;
    const outcome = segment(packet, (one) => one.release());
    if (outcome.ok) return;
    packet.release();
    if (way === 0) throw new Error(`what GRO merged is refused: ${outcome.reason}`);
    if (outcome.reason !== "lro") throw new Error(`what LRO merged is refused with ${outcome.reason}`);
  };
  const control = input[21] as number;
  const gro = createGro({ sink, tunnels: TUNNELS, udp: (control & 1) !== 0, fragList: (control & 2) !== 0 });
  const lro = createLro({ sink });
  for (let at = CONTROL, i = 0; at + 1 < input.length && i < 40; i++) {
    const length = Math.min(14 + (input[at] as number), input.length - at - 1);
    const packet = take(input.subarray(at + 1, at + 1 + length));
    bytesIn += length;
    repair(packet);
    packet.ipSummed = (control >> 2) % 3 === 1 ? 1 : 0;
    packet.csumLevel = 3;
    if (way === 0) gro.receive(packet, i);
    else lro.receive(packet);
    at += 1 + length;
  }
  gro.flush();
  lro.flush();
  if (supers > 0 && bytesIn === 0) throw new Error("packets from nothing");
}

/** IPv4 header checksums are beyond chance: where a header may be in plain frames, IPIP, GRE and VXLAN, it is made right. */
function repair(packet: Packet): void {
  const { view } = packet.pool.memory;
  for (const offset of [14, 34, 38, 64]) {
    const at = packet.data + offset;
    if (at + 20 <= packet.tail && view.getUint8(at) === 0x45) writeIpv4HeaderChecksum(view, at);
  }
}

/** Frames that GRO merges, each behind its length. */
function train(tunnel: "none" | "ip" | "gre" | "vxlan"): Uint8Array {
  const frames: number[] = [];
  for (let i = 0; i < 3; i++) {
    const tcp = [
      0,
      1,
      0,
      2,
      0,
      0,
      0,
      1 + i * 10,
      0,
      0,
      0,
      2,
      0x50,
      0x10,
      1,
      0,
      0,
      0,
      0,
      0,
      ...new Array<number>(10).fill(7),
    ];
    const inner = ip(6, i, tcp);
    const mac = [...new Array<number>(12).fill(2), 8, 0];
    const layers = {
      none: inner,
      ip: ip(4, i, inner),
      gre: ip(47, i, [0, 0, 8, 0, ...inner]),
      vxlan: ip(17, i, [0, 9, 0x12, 0xb5, 0, 16 + 14 + inner.length, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0, ...mac, ...inner]),
    };
    const frame = [...mac, ...layers[tunnel]];
    frames.push(frame.length - 14, ...frame);
  }
  const control = new Uint8Array(CONTROL);
  control[21] = 5;
  return Uint8Array.from([...control, ...frames]);
}

function ip(protocol: number, id: number, payload: readonly number[]): number[] {
  return [0x45, 0, 0, 20 + payload.length, 0, id, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, ...payload];
}

/** A super-packet of TCP, plain or in IPIP, which is also a train of three frames for GRO. */
function seed(family: 4 | 6, nested: number): Uint8Array {
  const ip4 = [0x45, 0, 0, 70, 0, 1, 0x40, 0, 64, nested === 1 ? 4 : 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
  const ip6 = [0x60, 0, 0, 0, 0, 50, 6, 64, ...new Array<number>(32).fill(1)];
  const inner = nested === 1 ? [...ip4.slice(0, 9), 6, ...ip4.slice(10)] : [];
  const ip = family === 4 ? [...ip4, ...inner] : ip6;
  const tcp = [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0];
  const frame = [...new Array<number>(12).fill(2), family === 4 ? 8 : 0x86, family === 4 ? 0 : 0xdd, ...ip, ...tcp];
  const transport = 14 + ip.length;
  const network = nested === 1 ? 34 : 14;
  const control = new Uint8Array(CONTROL);
  const view = new DataView(control.buffer);
  view.setUint16(0, 10);
  view.setUint32(2, (family === 4 ? 1 : 16) | (nested === 1 ? 256 : 0));
  view.setInt8(6, 14);
  view.setInt8(7, nested === 1 ? network : transport);
  view.setInt16(8, network);
  view.setInt16(10, network);
  view.setInt16(12, transport);
  view.setInt16(14, transport);
  view.setUint8(16, 16);
  view.setUint8(17, 3);
  view.setUint16(18, 4000);
  view.setUint8(21, 4);
  return Uint8Array.from([...control, ...frame, ...new Array<number>(30).fill(7)]);
}
