/** Netlink speaks the host's byte order: both ends are on one machine. Headers of packets in attributes stay in network order. */
export const LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const TWO_32 = 0x1_0000_0000;

/** A u64 as a number: exact up to 2^53 (8 PiB of a byte counter), rounded to 53 significant bits above. */
export function readU64(view: DataView, at: number): number {
  const [low, high] = LITTLE_ENDIAN ? [at, at + 4] : [at + 4, at];
  return view.getUint32(high, LITTLE_ENDIAN) * TWO_32 + view.getUint32(low, LITTLE_ENDIAN);
}

export function writeU64(view: DataView, at: number, value: number): void {
  const [low, high] = LITTLE_ENDIAN ? [at, at + 4] : [at + 4, at];
  view.setUint32(high, Math.floor(value / TWO_32), LITTLE_ENDIAN);
  view.setUint32(low, value % TWO_32, LITTLE_ENDIAN);
}
