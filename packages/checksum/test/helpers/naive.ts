/** Slow, obvious models, written without a look at src/. */

/** RFC 1071: the 16-bit one's-complement sum of the bytes as big-endian words; an odd byte is padded on the right. */
export function naiveSum(bytes: Iterable<number>, start = 0): number {
  let sum = start;
  let high = true;
  for (const byte of bytes) {
    sum += high ? byte * 256 : byte;
    high = !high;
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** CRC32c, a bit at a time, as a register to continue. */
export function naiveCrcRegister(register: number, byte: number): number {
  let crc = register ^ byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
}

export function naiveCrc32c(bytes: Iterable<number>): number {
  let register = -1;
  for (const byte of bytes) register = naiveCrcRegister(register, byte);
  return ~register >>> 0;
}

/** A checksum found in a frame by reading it from the outside. */
export interface Found {
  readonly protocol: "tcp" | "udp" | "gre" | "sctp";
  readonly present: boolean;
  readonly verified: boolean;
}

/** Every transport checksum of an Ethernet frame, verified by brute force: the pseudo-header is laid out and summed. */
export function verifyFrame(frame: Uint8Array): Found[] {
  const found: Found[] = [];
  ethernet(frame, 0, found);
  return found;
}

const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! * 256 + bytes[at + 1]!;

function ethernet(bytes: Uint8Array, at: number, found: Found[]): void {
  network(bytes, at + 14, u16(bytes, at + 12), found);
}

function network(bytes: Uint8Array, at: number, type: number, found: Found[]): void {
  if (type === 0x6558) ethernet(bytes, at, found);
  if (type === 0x0800) {
    const header = (bytes[at]! & 15) * 4;
    const end = at + u16(bytes, at + 2);
    transport(bytes.subarray(at + header, end), bytes[at + 9]!, bytes.subarray(at + 12, at + 20), found);
  }
  if (type === 0x86dd) {
    const end = at + 40 + u16(bytes, at + 4);
    transport(bytes.subarray(at + 40, end), bytes[at + 6]!, bytes.subarray(at + 8, at + 40), found);
  }
}

function transport(bytes: Uint8Array, protocol: number, addresses: Uint8Array, found: Found[]): void {
  const { length } = bytes;
  const pseudo = [...addresses, 0, 0, length >>> 8, length & 255, 0, protocol];
  const good = naiveSum([...pseudo, ...bytes]) === 0xffff;
  if (protocol === 6) found.push({ protocol: "tcp", present: true, verified: good });
  if (protocol === 17) {
    found.push({ protocol: "udp", present: true, verified: u16(bytes, 6) === 0 || good });
    if (u16(bytes, 2) === 4789) ethernet(bytes, 16, found);
  }
  if (protocol === 132) {
    const zeroed = Uint8Array.from(bytes).fill(0, 8, 12);
    const stored = bytes[8]! + bytes[9]! * 256 + bytes[10]! * 65_536 + bytes[11]! * 16_777_216;
    found.push({ protocol: "sctp", present: true, verified: naiveCrc32c(zeroed) === stored });
  }
  if (protocol === 47) {
    const flags = u16(bytes, 0);
    const present = flags >>> 15 === 1;
    found.push({ protocol: "gre", present, verified: present && naiveSum(bytes) === 0xffff });
    const words = (flags >>> 15) + ((flags >>> 13) & 1) + ((flags >>> 12) & 1);
    network(bytes, 4 + 4 * words, u16(bytes, 2), found);
  }
}
