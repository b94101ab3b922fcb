/*
 * Reads a frame from the wire as slowly and plainly as the RFCs say, with sums and a CRC of its own: what is to be checked
 * was made by the engines, so none of their code is in here.
 */

/** One transport header of a frame. */
export interface FrameLevel {
  readonly header: "udp" | "tcp" | "sctp" | "gre";
  /** Offset in the frame. */
  readonly at: number;
  readonly checksum: "good" | "bad" | "absent";
}

/** What a frame holds. */
export interface ReadFrame {
  /** From the outside inwards. */
  readonly levels: readonly FrameLevel[];
  /** Where the innermost payload lies. */
  readonly payloadAt: number;
  readonly payloadEnd: number;
  /** TCP's sequence number. */
  readonly sequence: number;
  readonly faults: readonly string[];
}

/** IANA's, and the one that Linux had before there was one. */
const VXLAN_PORTS: readonly number[] = [4789, 8472];

interface Walk {
  readonly frame: Uint8Array;
  readonly levels: FrameLevel[];
  readonly faults: string[];
  payloadAt: number;
  payloadEnd: number;
  sequence: number;
}

/** Every header of `frame`, through VXLAN, Geneve, GRE and IP in IP. */
export function readFrame(frame: Uint8Array): ReadFrame {
  const walk: Walk = { frame, levels: [], faults: [], payloadAt: 0, payloadEnd: 0, sequence: 0 };
  readEthernet(walk, 0, frame.length);
  for (const { header, checksum } of walk.levels) {
    if (checksum === "bad") walk.faults.push(`wrong checksum of ${header}`);
  }
  return walk;
}

function readEthernet(walk: Walk, at: number, end: number): void {
  if (at + 14 > end) fault(walk, "an Ethernet header that is cut short");
  else readNetwork(walk, word(walk.frame, at + 12), at + 14, end);
}

function readNetwork(walk: Walk, etherType: number, at: number, end: number): void {
  if (etherType === 0x0800) readIpv4(walk, at, end);
  else if (etherType === 0x86dd) readIpv6(walk, at, end);
  else if (etherType === 0x6558) readEthernet(walk, at, end);
  else fault(walk, "an EtherType that is neither IP's nor Ethernet's");
}

function readIpv4(walk: Walk, at: number, end: number): void {
  const { frame } = walk;
  const header = ((frame[at] ?? 0) & 15) * 4;
  const total = word(frame, at + 2);
  if (header < 20 || total < header || at + total > end) {
    fault(walk, "lengths of an IPv4 header that cannot be");
    return;
  }
  if (onesSum(frame, at, at + header) !== 0xffff) fault(walk, "wrong checksum of an IPv4 header");
  const pseudo = new Uint8Array(12);
  pseudo.set(frame.subarray(at + 12, at + 20));
  pseudo[9] = frame[at + 9] ?? 0;
  putWord(pseudo, 10, total - header);
  readTransport(walk, frame[at + 9] ?? 0, at + header, at + total, pseudo);
}

function readIpv6(walk: Walk, at: number, end: number): void {
  const { frame } = walk;
  const length = word(frame, at + 4);
  if (at + 40 + length > end) {
    fault(walk, "a length of an IPv6 header that cannot be");
    return;
  }
  let next = frame[at + 6] ?? 0;
  let transport = at + 40;
  // Destination options: the tunnel encapsulation limit (RFC 2473 §4.1.1).
  while (next === 60 && transport + 8 <= end) {
    next = frame[transport] ?? 0;
    transport += ((frame[transport + 1] ?? 0) + 1) * 8;
  }
  const pseudo = new Uint8Array(40);
  pseudo.set(frame.subarray(at + 8, at + 40));
  putWord(pseudo, 34, at + 40 + length - transport);
  pseudo[39] = next;
  readTransport(walk, next, transport, at + 40 + length, pseudo);
}

function readTransport(walk: Walk, protocol: number, at: number, end: number, pseudo: Uint8Array): void {
  if (protocol === 17) readUdp(walk, at, end, pseudo);
  else if (protocol === 6) readTcp(walk, at, end, pseudo);
  else if (protocol === 132) readSctp(walk, at, end);
  else if (protocol === 47) readGre(walk, at, end);
  else if (protocol === 4) readNetwork(walk, 0x0800, at, end);
  else if (protocol === 41) readNetwork(walk, 0x86dd, at, end);
  else fault(walk, `IP protocol ${protocol}`);
}

function readUdp(walk: Walk, at: number, end: number, pseudo: Uint8Array): void {
  const { frame } = walk;
  if (word(frame, at + 4) !== end - at) fault(walk, "a UDP length that is not the packet's");
  const good = onesSum(pseudo, 0, pseudo.length, onesSum(frame, at, end)) === 0xffff;
  walk.levels.push({ header: "udp", at, checksum: word(frame, at + 6) === 0 ? "absent" : good ? "good" : "bad" });
  const port = word(frame, at + 2);
  if (VXLAN_PORTS.includes(port)) readEthernet(walk, at + 16, end);
  else if (port === 6081) {
    readNetwork(walk, word(frame, at + 10), at + 16 + ((frame[at + 8] ?? 0) & 63) * 4, end);
  } else setPayload(walk, at + 8, end);
}

function readTcp(walk: Walk, at: number, end: number, pseudo: Uint8Array): void {
  const { frame } = walk;
  const good = onesSum(pseudo, 0, pseudo.length, onesSum(frame, at, end)) === 0xffff;
  walk.levels.push({ header: "tcp", at, checksum: good ? "good" : "bad" });
  walk.sequence = word(frame, at + 4) * 0x1_0000 + word(frame, at + 6);
  setPayload(walk, at + ((frame[at + 12] ?? 0) >>> 4) * 4, end);
}

function readSctp(walk: Walk, at: number, end: number): void {
  const { frame } = walk;
  const bytes = frame.slice(at, end);
  const stored =
    ((bytes[11] ?? 0) * 0x100_0000 + ((bytes[10] ?? 0) << 16) + ((bytes[9] ?? 0) << 8) + (bytes[8] ?? 0)) >>> 0;
  bytes.fill(0, 8, 12);
  walk.levels.push({ header: "sctp", at, checksum: crc32c(bytes) === stored ? "good" : "bad" });
  // The common header and that of the DATA chunk.
  setPayload(walk, at + 28, end);
}

function readGre(walk: Walk, at: number, end: number): void {
  const { frame } = walk;
  const flags = word(frame, at);
  const summed = (flags & 0x8000) !== 0;
  const good = onesSum(frame, at, end) === 0xffff;
  walk.levels.push({ header: "gre", at, checksum: summed ? (good ? "good" : "bad") : "absent" });
  const words = [0x8000, 0x2000, 0x1000].filter((flag) => (flags & flag) !== 0).length;
  readNetwork(walk, word(frame, at + 2), at + 4 + words * 4, end);
}

function setPayload(walk: Walk, at: number, end: number): void {
  walk.payloadAt = at;
  walk.payloadEnd = end;
}

function fault(walk: Walk, text: string): void {
  walk.faults.push(text);
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}

/** RFC 1071 §1: 16-bit words, carries added back. */
function onesSum(bytes: Uint8Array, from: number, to: number, seed = 0): number {
  let sum = seed;
  for (let at = from; at < to; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (at + 1 < to ? (bytes[at + 1] ?? 0) : 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** RFC 9260 Appendix A, bit by bit. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f6_3b78;
  }
  return ~crc >>> 0;
}
