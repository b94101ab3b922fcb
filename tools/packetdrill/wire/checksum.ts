/** The Internet checksum of `bytes` over `initial` (RFC 1071), slow and plain: scripts have few bytes. */
export function internetChecksum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** The sum, not folded, of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1). */
export function pseudoHeaderSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  let sum = protocol + (length >>> 16) + (length & 0xffff);
  for (const address of [source, destination]) {
    for (let i = 0; i < address.length; i += 2) sum += ((address[i] as number) << 8) | (address[i + 1] as number);
  }
  return sum;
}
