import type { Nanos, PacketMemory } from "@seville/core";

/** Bytes in front of a numbered datagram: a mark, its number, when it was sent. All big-endian. */
export const HEADER_BYTES = 20;

/** "SVLE". */
const MARK = 0x5356_4c45;
const TWO_32 = 4_294_967_296;

/** A numbered datagram of `size` bytes: the header, then bytes that count up. */
export function numberedDatagram(size: number): Uint8Array {
  const payload = new Uint8Array(size);
  for (let i = HEADER_BYTES; i < size; i++) payload[i] = i & 0xff;
  new DataView(payload.buffer).setUint32(0, MARK);
  return payload;
}

/** Writes number and time into a payload of {@link numberedDatagram}. */
export function stamp(payload: Uint8Array, sequence: number, now: Nanos): void {
  const view = new DataView(payload.buffer, payload.byteOffset);
  view.setUint32(4, Math.floor(sequence / TWO_32));
  view.setUint32(8, sequence % TWO_32);
  view.setUint32(12, Math.floor(now / TWO_32));
  view.setUint32(16, now % TWO_32);
}

/** The number of the datagram whose payload is `length` bytes at `offset`; `undefined`: it is none of ours. */
export function readSequence({ view }: PacketMemory, offset: number, length: number): number | undefined {
  if (length < HEADER_BYTES || view.getUint32(offset) !== MARK) return undefined;
  return view.getUint32(offset + 4) * TWO_32 + view.getUint32(offset + 8);
}

/** When it was sent. */
export function readSentAt({ view }: PacketMemory, offset: number): Nanos {
  return view.getUint32(offset + 12) * TWO_32 + view.getUint32(offset + 16);
}
