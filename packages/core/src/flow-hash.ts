/**
 * What makes packets one flow (the kernel's `struct flow_keys`). Addresses are 32-bit words, most significant first:
 * one for IPv4, four for IPv6. The object may be used again for the next packet: nothing keeps it.
 */
export interface FlowKey {
  readonly src: ArrayLike<number>;
  readonly dst: ArrayLike<number>;
  /** IP protocol number. */
  readonly protocol: number;
  /** 0 where there are none: fragments, ICMP. */
  readonly srcPort: number;
  readonly dstPort: number;
  /** IPv6 flow label, 0: none. With a label that is not 0, RFC 6437 lets it stand for the ports. */
  readonly flowLabel?: number;
}

/**
 * A 32-bit hash of the flow that is the same for both directions, as `skb_get_hash` (net/core/flow_dissector.c): the two
 * ends are put into order first (`__flow_hash_consistentify`). Never 0, which means "not computed". The `seed` is the
 * owner's secret, so that nobody can choose flows that collide.
 *
 * The kernel mixes with SipHash since 5.3 and did with jhash before; this is jhash, which suits 32-bit arithmetic.
 */
export function flowHash(flow: FlowKey, seed: number): number {
  return isSwapped(flow)
    ? hashEnds(flow, flow.dst, flow.src, flow.dstPort, flow.srcPort, seed)
    : directedFlowHash(flow, seed);
}

/** As {@link flowHash}, but the two directions of a flow hash differently. */
export function directedFlowHash(flow: FlowKey, seed: number): number {
  return hashEnds(flow, flow.src, flow.dst, flow.srcPort, flow.dstPort, seed);
}

/** Maps a hash to one of `buckets`, without a division (`reciprocal_scale`, include/linux/kernel.h). */
export function reciprocalScale(hash: number, buckets: number): number {
  // hash * buckets / 2^32, where the product needs up to 64 bits: both halves stay exact in a double below 2^21 buckets.
  return Math.floor((hash * buckets) / 4_294_967_296);
}

/** Bob Jenkins' lookup3 over the first `length` 32-bit words (`jhash2`, include/linux/jhash.h). */
export function jhash2(words: ArrayLike<number>, seed: number, length: number = words.length): number {
  a = b = c = (0xdead_beef + 4 * length + seed) | 0;
  let at = 0;
  for (; length - at > 3; at += 3) {
    a = (a + (words[at] as number)) | 0;
    b = (b + (words[at + 1] as number)) | 0;
    c = (c + (words[at + 2] as number)) | 0;
    mix();
  }
  if (at === length) return c >>> 0;
  a = (a + (words[at] as number)) | 0;
  if (length - at > 1) b = (b + (words[at + 1] as number)) | 0;
  if (length - at > 2) c = (c + (words[at + 2] as number)) | 0;
  return final();
}

/** The state of lookup3: at module level, so that hashing allocates nothing. */
let a = 0;
let b = 0;
let c = 0;

/** Two IPv6 addresses, ports, protocol, label: the longest key there is. */
const words = new Uint32Array(11);

function hashEnds(
  flow: FlowKey,
  src: ArrayLike<number>,
  dst: ArrayLike<number>,
  srcPort: number,
  dstPort: number,
  seed: number,
): number {
  let length = 0;
  for (let i = 0; i < src.length; i++) words[length++] = src[i] as number;
  for (let i = 0; i < dst.length; i++) words[length++] = dst[i] as number;
  words[length++] = (srcPort << 16) | dstPort;
  words[length++] = flow.protocol;
  words[length++] = flow.flowLabel ?? 0;
  const hash = jhash2(words, seed, length);
  return hash === 0 ? 1 : hash;
}

/** Whether the destination comes before the source; by the ports where the addresses are the same. */
function isSwapped(flow: FlowKey): boolean {
  const { src, dst } = flow;
  for (let i = 0; i < src.length; i++) {
    const difference = (dst[i] as number) - (src[i] as number);
    if (difference !== 0) return difference < 0;
  }
  return flow.dstPort < flow.srcPort;
}

function mix(): void {
  a = (a - c) ^ rotate(c, 4);
  c = (c + b) | 0;
  b = (b - a) ^ rotate(a, 6);
  a = (a + c) | 0;
  c = (c - b) ^ rotate(b, 8);
  b = (b + a) | 0;
  a = (a - c) ^ rotate(c, 16);
  c = (c + b) | 0;
  b = (b - a) ^ rotate(a, 19);
  a = (a + c) | 0;
  c = (c - b) ^ rotate(b, 4);
  b = (b + a) | 0;
}

function final(): number {
  c = (c ^ b) - rotate(b, 14);
  a = (a ^ c) - rotate(c, 11);
  b = (b ^ a) - rotate(a, 25);
  c = (c ^ b) - rotate(b, 16);
  a = (a ^ c) - rotate(c, 4);
  b = (b ^ a) - rotate(a, 14);
  c = (c ^ b) - rotate(b, 24);
  return c >>> 0;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
