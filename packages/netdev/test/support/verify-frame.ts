/**
 * An independent verifier: slow, over plain bytes, and written without a look at what it verifies. It reads a frame as its
 * receiver would and says everything that is wrong with lengths and checksums, at every level of tunnels.
 */
export function faultsOf(frame: Uint8Array): string[] {
  const faults: string[] = [];
  ethernet(frame, "", faults);
  return faults;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function ethernet(bytes: Uint8Array, path: string, faults: string[]): void {
  let at = 12;
  let type = u16(bytes, at);
  while (type === 0x8100 || type === 0x88a8) {
    at += 4;
    type = u16(bytes, at);
  }
  network(bytes.subarray(at + 2), type, path, faults);
}

function network(bytes: Uint8Array, type: number, path: string, faults: string[]): void {
  if (type === 0x0800) ipv4(bytes, `${path}/ip`, faults);
  else if (type === 0x86dd) ipv6(bytes, `${path}/ip6`, faults);
  else if (type === 0x6558) ethernet(bytes, `${path}/eth`, faults);
}

function ipv4(bytes: Uint8Array, path: string, faults: string[]): void {
  if (bytes[0]! >> 4 !== 4) {
    faults.push(`${path}: version`);
    return;
  }
  const header = (bytes[0]! & 15) * 4;
  const total = u16(bytes, 2);
  if (total > bytes.length || total < header) {
    faults.push(`${path}: length ${total} of ${bytes.length}`);
    return;
  }
  // Nothing but padding of the smallest frame may follow.
  if (total < bytes.length && bytes.length > 46) faults.push(`${path}: length ${total} of ${bytes.length}`);
  if (onesSum(bytes.subarray(0, header)) !== 0xffff) faults.push(`${path}: header checksum`);
  if ((u16(bytes, 6) & 0x3fff) !== 0) return;
  const pseudo = [...bytes.subarray(12, 20), 0, bytes[9]!];
  transport(bytes.subarray(header, total), bytes[9]!, pseudo, 4, path, faults);
}

function ipv6(bytes: Uint8Array, path: string, faults: string[]): void {
  if (bytes[0]! >> 4 !== 6) {
    faults.push(`${path}: version`);
    return;
  }
  const length = u16(bytes, 4);
  if (40 + length !== bytes.length && bytes.length > 46) faults.push(`${path}: length ${length} of ${bytes.length}`);
  if (40 + length > bytes.length) return;
  let next = bytes[6]!;
  let at = 40;
  while (next === 0 || next === 43 || next === 60) {
    next = bytes[at]!;
    at += (bytes[at + 1]! + 1) * 8;
  }
  if (next === 44) return;
  const pseudo = [...bytes.subarray(8, 40), 0, next];
  transport(bytes.subarray(at, 40 + length), next, pseudo, 6, path, faults);
}

function transport(
  bytes: Uint8Array,
  protocol: number,
  pseudo: number[],
  version: 4 | 6,
  path: string,
  faults: string[],
): void {
  const good = (): boolean => onesSum([...pseudo, bytes.length >> 8, bytes.length & 0xff, ...bytes]) === 0xffff;
  if (protocol === 6 && !good()) faults.push(`${path}/tcp: checksum`);
  if (protocol === 17) {
    if (u16(bytes, 4) !== bytes.length) faults.push(`${path}/udp: length ${u16(bytes, 4)} of ${bytes.length}`);
    const port = u16(bytes, 2);
    const isTunnel = port === 4789 || port === 6081;
    if (u16(bytes, 6) === 0) {
      if (version === 6 && !isTunnel) faults.push(`${path}/udp: no checksum`);
    } else if (!good()) faults.push(`${path}/udp: checksum`);
    if (port === 4789) ethernet(bytes.subarray(16), `${path}/udp/vxlan`, faults);
    if (port === 6081) {
      const options = (bytes[8]! & 0x3f) * 4;
      network(bytes.subarray(16 + options), u16(bytes, 10), `${path}/udp/geneve`, faults);
    }
  }
  if (protocol === 47) {
    const flags = u16(bytes, 0);
    let at = 4;
    if ((flags & 0x8000) !== 0) {
      if (onesSum(bytes) !== 0xffff) faults.push(`${path}/gre: checksum`);
      at += 4;
    }
    if ((flags & 0x2000) !== 0) at += 4;
    if ((flags & 0x1000) !== 0) at += 4;
    network(bytes.subarray(at), u16(bytes, 2), `${path}/gre`, faults);
  }
  if (protocol === 4) ipv4(bytes, `${path}/ip`, faults);
  if (protocol === 41) ipv6(bytes, `${path}/ip6`, faults);
  if (protocol === 132 && !sctpGood(bytes)) faults.push(`${path}/sctp: checksum`);
}

/** One's-complement sum, bytes in pairs, a missing last one as 0 (RFC 1071). */
export function onesSum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = Math.floor(sum / 0x1_0000) + (sum % 0x1_0000);
  return sum;
}

/** CRC32c bit by bit (RFC 9260 appendix A). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

function sctpGood(bytes: Uint8Array): boolean {
  const zeroed = bytes.slice();
  zeroed.fill(0, 8, 12);
  return crc32c(zeroed) === new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
}
