/** A change to a tunnel packet on the wire, after which both sides must do the same. */
export interface Mutation {
  readonly name: string;
  /** Ours drops what the kernel takes, and why: a difference on purpose. */
  readonly stricter?: string;
  /**
   * `packet` is the outer IP packet, a copy; `at` is behind its IP headers. Returns the packet to send: lengths and checksum of the
   * outer IP header are made right afterwards.
   */
  apply(packet: Uint8Array, at: number): Uint8Array;
}

export interface OuterIp {
  readonly family: 4 | 6;
  readonly tos: number;
  readonly ttl: number;
  /** IPv4: don't fragment. */
  readonly df: boolean;
  /** IPv6. */
  readonly flowLabel: number;
  /** IPv6: tunnel encapsulation limit (RFC 2473 §4.1.1). */
  readonly encapsulationLimit: number | undefined;
  readonly protocol: number;
  /** Where the payload begins. */
  readonly end: number;
}

const DESTINATION_OPTIONS = 60;

/** The outer IP header of `packet`. */
export function readOuterIp(packet: Uint8Array): OuterIp {
  const view = viewOf(packet);
  if (view.getUint8(0) >>> 4 === 4) {
    return {
      family: 4,
      tos: view.getUint8(1),
      ttl: view.getUint8(8),
      df: (view.getUint8(6) & 0x40) !== 0,
      flowLabel: 0,
      encapsulationLimit: undefined,
      protocol: view.getUint8(9),
      end: (view.getUint8(0) & 15) * 4,
    };
  }
  const word = view.getUint32(0);
  const hasOptions = view.getUint8(6) === DESTINATION_OPTIONS;
  return {
    family: 6,
    tos: (word >>> 20) & 0xff,
    ttl: view.getUint8(7),
    df: false,
    flowLabel: word & 0xf_ffff,
    encapsulationLimit: hasOptions && view.getUint8(42) === 4 ? view.getUint8(44) : undefined,
    protocol: view.getUint8(hasOptions ? 40 : 6),
    end: hasOptions ? 40 + (view.getUint8(41) + 1) * 8 : 40,
  };
}

/** Sets the ECN bits of the outer IP header. */
export function setOuterEcn(packet: Uint8Array, ecn: number): Uint8Array {
  const view = viewOf(packet);
  if (view.getUint8(0) >>> 4 === 4) view.setUint8(1, (view.getUint8(1) & 0xfc) | ecn);
  else view.setUint8(1, (view.getUint8(1) & 0xcf) | (ecn << 4));
  return packet;
}

/** Makes lengths and the checksum of the outer IP header right. */
export function fixOuterIp(packet: Uint8Array): Uint8Array {
  const view = viewOf(packet);
  if (view.getUint8(0) >>> 4 === 6) {
    view.setUint16(4, packet.length - 40);
    return packet;
  }
  view.setUint16(2, packet.length);
  view.setUint16(10, 0);
  view.setUint16(10, checksum(packet.subarray(0, (view.getUint8(0) & 15) * 4)));
  return packet;
}

/** RFC 1071, as it stands there. */
export function checksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** `packet` without `count` bytes at `at`, and with `insert` there. */
export function splice(packet: Uint8Array, at: number, count: number, insert: readonly number[] = []): Uint8Array {
  const out = new Uint8Array(packet.length - count + insert.length);
  out.set(packet.subarray(0, at));
  out.set(insert, at);
  out.set(packet.subarray(at + count), at + insert.length);
  return out;
}
