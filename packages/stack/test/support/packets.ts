import { finish, fold } from "@seville/checksum";
import { ipv4, ipv6, parseIpv4, parseIpv6, type Ipv6Address } from "@seville/packet";
import type { Host, NetInterface } from "../../src/index.ts";

/** A datagram written by hand: what the stack gets when the world is bad. All fields have sensible defaults. */
export interface Ipv4Spec {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  readonly fragmentOffset?: number;
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

export function ipv4Packet(spec: Ipv4Spec): Uint8Array {
  // A UDP header without data and without a checksum.
  const { options = new Uint8Array(0), payload = Uint8Array.of(0, 1, 0, 9, 0, 8, 0, 0) } = spec;
  const header = 20 + options.length;
  const out = new Uint8Array(header + payload.length);
  const view = new DataView(out.buffer);
  ipv4.write(view, 0, {
    dscp: (spec.tos ?? 0) >>> 2,
    ecn: (spec.tos ?? 0) & 3,
    totalLength: out.length,
    identification: spec.identification ?? 1,
    dontFragment: spec.dontFragment ?? false,
    moreFragments: spec.moreFragments ?? false,
    fragmentOffset: spec.fragmentOffset ?? 0,
    ttl: spec.ttl ?? 64,
    protocol: spec.protocol ?? 17,
    source: parseIpv4(spec.source ?? "10.0.0.1"),
    destination: parseIpv4(spec.destination ?? "10.0.0.2"),
  });
  view.setUint8(0, 0x40 | (header / 4));
  out.set(options, 20);
  out.set(payload, header);
  fixHeader(out);
  return out;
}

/** Makes the IPv4 header checksum right again. */
export function fixHeader(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset);
  const header = (view.getUint8(0) & 15) * 4;
  view.setUint16(10, 0);
  view.setUint16(10, finish(naiveSum(packet.subarray(0, header))));
}

export interface Ipv6Spec {
  readonly source?: string;
  readonly destination?: string;
  readonly nextHeader?: number;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly payload?: Uint8Array;
}

export function ipv6Packet(spec: Ipv6Spec): Uint8Array {
  const { payload = new Uint8Array(8) } = spec;
  const out = new Uint8Array(40 + payload.length);
  ipv6.write(new DataView(out.buffer), 0, {
    dscp: (spec.trafficClass ?? 0) >>> 2,
    ecn: (spec.trafficClass ?? 0) & 3,
    payloadLength: payload.length,
    nextHeader: spec.nextHeader ?? 17,
    hopLimit: spec.hopLimit ?? 64,
    source: parseIpv6(spec.source ?? "2001:db8::1"),
    destination: parseIpv6(spec.destination ?? "2001:db8::2"),
  });
  out.set(payload, 40);
  return out;
}

/** A UDP datagram with its checksum. */
export function udpDatagram(
  sourcePort: number,
  port: number,
  data: Uint8Array,
  ends?: { readonly source: string; readonly destination: string },
): Uint8Array {
  const out = new Uint8Array(8 + data.length);
  const view = new DataView(out.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, port);
  view.setUint16(4, out.length);
  out.set(data, 8);
  const { source = "10.0.0.1", destination = "10.0.0.2" } = ends ?? {};
  const sum = finish(naiveSum(pseudo(source, destination, 17, out.length)) + naiveSum(out));
  view.setUint16(6, sum === 0 ? 0xffff : sum);
  return out;
}

/** An ICMPv6 message with its checksum. */
export function icmpv6Message(
  type: number,
  code: number,
  body: Uint8Array,
  source = "2001:db8::1",
  destination = "2001:db8::2",
): Uint8Array {
  const out = new Uint8Array(4 + body.length);
  out[0] = type;
  out[1] = code;
  out.set(body, 4);
  const sum = finish(naiveSum(pseudo(source, destination, 58, out.length)) + naiveSum(out));
  new DataView(out.buffer).setUint16(2, sum);
  return out;
}

/** An ICMP message with its checksum. */
export function icmpMessage(type: number, code: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + body.length);
  out[0] = type;
  out[1] = code;
  out.set(body, 4);
  new DataView(out.buffer).setUint16(2, finish(naiveSum(out)));
  return out;
}

function pseudo(source: string, destination: string, protocol: number, length: number): Uint8Array {
  if (!source.includes(":")) {
    const out = new Uint8Array(12);
    const view = new DataView(out.buffer);
    view.setUint32(0, parseIpv4(source));
    view.setUint32(4, parseIpv4(destination));
    view.setUint16(8, protocol);
    view.setUint16(10, length);
    return out;
  }
  const out = new Uint8Array(40);
  const view = new DataView(out.buffer);
  for (const [i, address] of [parseIpv6(source), parseIpv6(destination)].entries()) putAddress(view, 16 * i, address);
  view.setUint32(32, length);
  view.setUint8(39, protocol);
  return out;
}

function putAddress(view: DataView, at: number, address: Ipv6Address): void {
  view.setUint32(at, address.w0);
  view.setUint32(at + 4, address.w1);
  view.setUint32(at + 8, address.w2);
  view.setUint32(at + 12, address.w3);
}

/** RFC 1071 as it stands there, slow and plain. */
export function naiveSum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += ((data[i] as number) << 8) | (data[i + 1] ?? 0);
  return fold(sum);
}

/** Lets `packet` (from its IP header) come in on `iface` as if from the wire. */
export function inject(host: Host, iface: NetInterface, packet: Uint8Array, to: number = iface.mac): void {
  const frame = new Uint8Array(14 + packet.length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, Math.floor(to / 2 ** 32));
  view.setUint32(2, to % 2 ** 32);
  frame.set([2, 0, 0, 0, 0, 0x99], 6);
  view.setUint16(12, (packet[0] as number) >>> 4 === 6 ? 0x86dd : 0x0800);
  frame.set(packet, 14);
  const made = host.pool.from(frame);
  if (made === undefined) throw new Error("the test's pool is too small");
  iface.receive(made, host.now);
}

/** Every IP packet that leaves `iface` from now on, from its IP header. */
export function sniff(host: Host, iface: NetInterface): Uint8Array[] {
  const seen: Uint8Array[] = [];
  host.taps.add((packet, _iface, direction) => {
    const frame = packet.bytes();
    const type = ((frame[12] as number) << 8) | (frame[13] as number);
    const isNd = type === 0x86dd && frame[20] === 58 && (frame[54] as number) >= 130;
    const isMld = type === 0x86dd && frame[20] === 0;
    if (direction === "out" && (type === 0x0800 || (type === 0x86dd && !isNd && !isMld)) && frame[23] !== 2)
      seen.push(frame.slice(14));
  }, iface);
  return seen;
}

/** The reasons for which `host` drops packets from now on, in order. */
export function dropsOf(host: Host): string[] {
  const reasons: string[] = [];
  host.drops.listen((_packet, reason) => reasons.push(reason));
  return reasons;
}
