import { createPacketMemory } from "@seville/core";
import { bindChecksum, CHECKSUM_NONE, type TransmitPacket } from "@seville/checksum";
import { naiveSum } from "./naive.ts";

export const memory = createPacketMemory({ bytes: 1 << 20 });
export const kernels = bindChecksum(memory);

/** A packet that is nothing but its fields; `Packet` of `@seville/packet` has them too. */
export interface TestFrame extends TransmitPacket {
  data: number;
  tail: number;
  gsoSize: number;
  encapsulation: boolean;
  protocol: number;
  networkHeader: number;
  transportHeader: number;
  innerNetworkHeader: number;
  innerTransportHeader: number;
  fragList?: TestFrame[];
}

/** Where frames are laid: with an odd remainder of alignment, headroom in front. */
const HOME = memory.base + 1024 + 2;

/** Lays bytes into the memory and describes them. Offsets are relative to the first byte. */
export function lay(bytes: Uint8Array, offsets: Partial<Omit<TestFrame, "data" | "tail">> = {}, at = HOME): TestFrame {
  memory.u8.fill(0xee, at - 512, at + bytes.length + 64);
  memory.u8.set(bytes, at);
  const absolute = (offset: number | undefined): number => (offset === undefined ? -1 : at + offset);
  return {
    ipSummed: CHECKSUM_NONE,
    csum: 0,
    csumOffset: 0,
    csumLevel: 0,
    csumNotInet: false,
    gsoSize: 0,
    encapsulation: false,
    protocol: 0x0800,
    ...offsets,
    data: at,
    tail: at + bytes.length,
    csumStart: absolute(offsets.csumStart),
    networkHeader: absolute(offsets.networkHeader),
    transportHeader: absolute(offsets.transportHeader),
    innerNetworkHeader: absolute(offsets.innerNetworkHeader),
    innerTransportHeader: absolute(offsets.innerTransportHeader),
  };
}

export function bytesOf(frame: { data: number; tail: number }): Uint8Array {
  return memory.u8.slice(frame.data, frame.tail);
}

export type Family = 4 | 6;
export const ETHER_TYPE = { 4: 0x0800, 6: 0x86dd } as const;
export const TCP = 6;
export const UDP = 17;

const be16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];

export function join(...parts: readonly Iterable<number>[]): Uint8Array {
  const arrays = parts.map((part) => (part instanceof Uint8Array ? part : Uint8Array.from(part)));
  const joined = new Uint8Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

export function ethernet(type: number, payload: Iterable<number>): Uint8Array {
  return join([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], be16(type), payload);
}

/** An IP header in front of `payload`, its own checksum right. */
export function ip(family: Family, protocol: number, payload: Uint8Array): Uint8Array {
  const source = addresses(family)[0];
  const destination = addresses(family)[1];
  if (family === 6) {
    return join([0x60, 0, 0, 0], be16(payload.length), [protocol, 64], source, destination, payload);
  }
  const header = join([0x45, 0], be16(20 + payload.length), [0, 1, 0x40, 0, 64, protocol, 0, 0], source, destination);
  header.set(be16(0xffff - naiveSum(header)), 10);
  return join(header, payload);
}

export function addresses(family: Family): [source: number[], destination: number[]] {
  if (family === 4)
    return [
      [10, 1, 2, 3],
      [192, 0, 2, 77],
    ];
  const prefix = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5];
  return [
    [...prefix, 0xab, 0xcd],
    [...prefix, 0x12, 0x34],
  ];
}

/** The pseudo-header's sum, from its definition. */
export function pseudo(family: Family, protocol: number, length: number): number {
  const [source, destination] = addresses(family);
  return naiveSum([...source, ...destination, 0, 0, ...be16(length), 0, protocol]);
}

export function udp(sport: number, dport: number, payload: Iterable<number>, checksum = 0): Uint8Array {
  const data = join(payload);
  return join(be16(sport), be16(dport), be16(8 + data.length), be16(checksum), data);
}

export function tcp(payload: Iterable<number>, checksum = 0): Uint8Array {
  return join([0x12, 0x34, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 0x20, 0], be16(checksum), [0, 0], payload);
}

export function vxlan(inner: Uint8Array): Uint8Array {
  return join([8, 0, 0, 0, 0, 0, 42, 0], inner);
}

/** The transport segment with its checksum filled in by the naive model. */
export function withChecksum(family: Family, protocol: number, segment: Uint8Array): Uint8Array {
  const at = protocol === TCP ? 16 : 6;
  const done = Uint8Array.from(segment);
  done.set([0, 0], at);
  const sum = 0xffff - naiveSum(done, pseudo(family, protocol, done.length));
  done.set(be16(protocol === UDP && sum === 0 ? 0xffff : sum), at);
  return done;
}

/** The transport segment with the pseudo-header's sum in its field, as a PARTIAL packet has it. */
export function withPseudo(family: Family, protocol: number, segment: Uint8Array): Uint8Array {
  const partial = Uint8Array.from(segment);
  partial.set(be16(pseudo(family, protocol, segment.length)), protocol === TCP ? 16 : 6);
  return partial;
}

/** Reproducible payload bytes. */
export function payload(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >>> 16;
  });
}
