/**
 * The parts of the engine that stand alone: their shapes. Each is pure (no clock, no dice, no engine) and is tested alone.
 *
 * **Sequence numbers, acknowledgment numbers and timestamps are int32** everywhere inside this package (`x | 0`), because V8
 * keeps an int32 in the object itself and boxes a uint32: `((a - b) | 0) < 0` says that `a` comes before `b`. Only `TcpInfo`
 * and the wire show them unsigned.
 */
import type { Nanos } from "@seville/core";
import type { HeaderFault, IpAddress, Packet } from "@seville/packet";

// ---------------------------------------------------------------------------------------------- src/wire/segment.ts

/** A segment as it was read: one reusable object. Made by `newSegment()`, filled by `readSegment`. */
export interface Segment {
  sourcePort: number;
  destinationPort: number;
  /** int32. */
  seq: number;
  /** `seq` + payload + SYN + FIN (`end_seq`), int32. */
  endSeq: number;
  /** int32; 0 without ACK. */
  ack: number;
  /** All nine flag bits as in `tcp.FIN` … `tcp.AE` of `@seville/packet`. */
  flags: number;
  /** As it stands in the header, unscaled. */
  window: number;
  urgentPointer: number;
  headerLength: number;
  /** Absolute offset of the payload in the pool's memory, and its bytes. */
  payload: number;
  payloadLength: number;
  /** Not 0: the packet is a super-packet; bytes of each of its segments, and how many. */
  gsoSize: number;
  gsoSegs: number;
  /** ECN field of the IP header (the engine sets it from the meta). */
  ipEcn: number;
  readonly options: SegmentOptions;
}

/** Options of a received segment; what is not there has the value that says so. */
export interface SegmentOptions {
  /** 0: none. */
  mss: number;
  /** -1: none; at most 14. */
  windowScale: number;
  sackPermitted: boolean;
  hasTimestamps: boolean;
  /** int32. */
  tsval: number;
  tsecr: number;
  sackCount: number;
  /** left and right edges, int32; the first `2 × sackCount` count. */
  readonly sack: Int32Array;
  /** Absolute offset of a Fast Open cookie in memory; -1: no such option (neither kind 34 nor kind 254 with 0xF989). */
  fastOpenAt: number;
  /** 0 asks for one. A cookie of bad length (odd, < 4, > 16) counts as no option (RFC 7413 §4.1.1). */
  fastOpenLength: number;
  /** It came as the experimental option (RFC 6994). */
  fastOpenExperimental: boolean;
  /** AccECN option (kinds 172 and 174, RFC 9768 §3.2.3): -1 none, 0 order 0 (172), 1 order 1 (174). */
  accEcnOrder: number;
  /** How many of the three 24-bit counters are there (0 to 3), and they in the order of the wire. */
  accEcnCount: number;
  readonly accEcn: Int32Array;
  /** MD5 or AO is there: the engine drops it where it was not asked for (TCPMD5Unexpected). */
  hasMd5: boolean;
  hasAo: boolean;
}

/**
 * `readSegment(view, at, end, into): HeaderFault | undefined` reads the segment that lies at `[at, end)`; `readOptions(view, at, into)`
 * its options. Any bytes are survived; a malformed option ends the reading as in `tcp_parse_options`. On a SYN alone count MSS, window scale,
 * SACK-permitted and Fast Open.
 */
export type ReadSegment = (view: DataView, at: number, end: number, into: Segment) => HeaderFault | undefined;

// ----------------------------------------------------------------------------------------------- src/wire/emit.ts

/** What stands in an outgoing header: one reusable object of the endpoint. Made by `newOutgoing()`. */
export interface Outgoing {
  sourcePort: number;
  destinationPort: number;
  seq: number;
  ack: number;
  flags: number;
  /** Already scaled down, 0 to 65535. */
  window: number;
  urgentPointer: number;
  /** 0: not written. */
  mss: number;
  /** -1: not written. */
  windowScale: number;
  sackPermitted: boolean;
  hasTimestamps: boolean;
  tsval: number;
  tsecr: number;
  /** Blocks to write, edges in `sack`. */
  sackCount: number;
  readonly sack: Int32Array;
  /** `undefined`: not written; empty: asks for a cookie. */
  fastOpenCookie: Uint8Array | undefined;
  fastOpenExperimental: boolean;
  /** -1: not written; 0 kind 172 (order e0b, ceb, e1b), 1 kind 174 (order e1b, ceb, e0b). */
  accEcnOrder: number;
  accEcnCount: number;
  readonly accEcn: Int32Array;
}

/** Order and padding of options: Linux `tcp_options_write`, or FreeBSD `tcp_addoptions` (mss, nop, wscale, sackOK, TS, TFO). */
export type OptionLayout = "linux" | "freebsd";

/** `headerBytes(out, layout)`: 20 to 60, a multiple of 4. */
export type HeaderBytes = (out: Outgoing, layout: OptionLayout) => number;

/** `writeHeader(view, at, out, layout)`: writes header and options at `at`, checksum 0; answers the header's length. */
export type WriteHeader = (view: DataView, at: number, out: Outgoing, layout: OptionLayout) => number;

// ------------------------------------------------------------------------------------------- src/receive-queue.ts

/**
 * Bytes that came: in order and not read yet, and out of order behind a gap. `createReceiveQueue(rcvNxt)`.
 *
 * Holds no memory while it is empty. Storage grows with what is stored, not with the window (pages or chunks; a byte at the end of a
 * 6 MB window must not cost 6 MB). The engine has trimmed what it is given to the window.
 */
export interface ReceiveQueue {
  /** RCV.NXT as far as data says (FIN and SYN are the engine's: {@link ReceiveQueue.skip}). */
  readonly rcvNxt: number;
  /** First byte that the user has not read (`copied_seq`). */
  readonly copiedSeq: number;
  /** Bytes in order, to be read: `rcvNxt - copiedSeq`, less what was skipped. */
  readonly readable: number;
  /** Bytes out of order. */
  readonly outOfOrder: number;
  /** Ranges out of order. */
  readonly gaps: number;
  /** Bytes of memory held: `sk_rmem_alloc` in spirit. */
  readonly allocated: number;
  /** `end_seq` of the last range out of order (`tcp_ooo` tail), or `rcvNxt`. */
  readonly highest: number;
  /**
   * Takes `length` bytes at `offset` of `u8`, sequence number `seq`. In order: appends, and what it joins with. Out of order: keeps.
   * What is there already stays as it came first. Sets {@link ReceiveQueue.dsackStart} … as `tcp_data_queue(_ofo)` would.
   * Answers how many bytes became readable (0: out of order, or nothing new).
   */
  insert(u8: Uint8Array, offset: number, length: number, seq: number): number;
  /** After `insert`: some of it had been there (`DSACK`); the range to report, int32. */
  readonly hasDuplicate: boolean;
  readonly dsackStart: number;
  readonly dsackEnd: number;
  /** Sequence space without data (SYN, FIN): `rcvNxt += count`, `copiedSeq` too if nothing is unread. */
  skip(count: number): void;
  /** Copies at most `into.length` bytes to the user from `copiedSeq + at` (0) and answers how many. Removes nothing. */
  peek(into: Uint8Array, at?: number): number;
  /** `peek` and removal. `limit`: not more than that (urgent mark). */
  read(into: Uint8Array, limit?: number): number;
  /** Removes without reading (MSG_TRUNC, SO_RCVBUF torn down). */
  discard(count: number): number;
  /** Throws all out-of-order data away (`tcp_prune_ofo_queue`); answers how many bytes. */
  prune(): number;
  /** Gives all memory back. */
  clear(): void;
}

/** Which blocks a SACK option reports: `tcp_sack_new_ofo_skb`, `tcp_sack_extend`, `tcp_sack_remove`, `tcp_dsack_set`. `createSackBlocks()`. */
export interface SackBlocks {
  /** Blocks now, the most recent first, without the DSACK. */
  readonly count: number;
  readonly hasDsack: boolean;
  /** A segment was queued out of order. */
  add(start: number, end: number): void;
  /** RCV.NXT has moved: forget what lies before it. */
  acknowledge(rcvNxt: number): void;
  /** Something came twice: the next acknowledgment says so. */
  duplicate(start: number, end: number): void;
  /** New data has come before the duplicate was reported: then it never is. */
  forgetDuplicate?(): void;
  /** Forget all blocks (the out-of-order queue was pruned). */
  reset(): void;
  /** Writes the DSACK (then forgets it) and as many blocks as fit into `max`, edges int32; answers how many. */
  write(into: Int32Array, max: number): number;
}

// --------------------------------------------------------------------------------------------- src/send-buffer.ts

/**
 * Bytes of the user from SND.UNA on: sent and not acknowledged, and not sent yet. `createSendBuffer(pool)`.
 *
 * Positions are stream offsets counted from the first byte ever written (a plain number below 2^53: the engine maps sequence numbers). Holds no
 * memory while it is empty. The payload is copied once where possible: into slots of the pool with room for headers in front; `packet` answers a
 * clone of the slot where the range is one slot's beginning (see docs/pool.md of `@seville/packet`: releaseHeader, cowHead), and copies with the sum in one
 * pass (`copyAndSum`) where it is not. When the pool is short, plain memory holds the bytes.
 */
export interface SendBuffer {
  /** First offset kept, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  /** Bytes of memory held (`sk_wmem_queued` in spirit). */
  readonly allocated: number;
  /** Appends; `chunk` is how many bytes one packet will hold (the MSS, or the size goal of super-packets), so that packets and slots agree. */
  append(bytes: Uint8Array, chunk: number): void;
  /** The next `append` begins a new chunk: what is there has been sent with a boundary at its end. */
  seal(): void;
  /**
   * A packet whose data is `[offset, offset + length)`, behind at least `headroom` bytes that may be written, and the sum of its bytes in
   * {@link SendBuffer.sum} if `wantSum`. `undefined`: the pool is empty.
   */
  packet(offset: number, length: number, headroom: number, wantSum: boolean): Packet | undefined;
  /** The partial sum of the payload of the last `packet(…, true)`, as if it began at an even offset. */
  readonly sum: number;
  /** Copies into a foreign buffer (MTU probes, tests). */
  copy(offset: number, length: number, into: Uint8Array): void;
  /** Forgets all before `offset`. */
  release(offset: number): void;
  clear(): void;
}

// ------------------------------------------------------------------- src/isn.ts, src/syn-cookie.ts, src/fast-open-cookie.ts

/** Addresses and ports of a connection, ours first. */
export interface FourTuple {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
}

/**
 * `createIsnGenerator(secretRandom)`: RFC 6528 §3, clock of 64 ns as `seq_scale`; and the offset of timestamps per pair of addresses
 * (`secure_tcp_ts_off`, tcp_timestamps = 1).
 */
export interface IsnGenerator {
  /** int32. */
  sequence(tuple: FourTuple, now: Nanos): number;
  /** int32. */
  timestampOffset(local: IpAddress, remote: IpAddress): number;
}

/** What a SYN asked for and a cookie must carry (net/ipv4/syncookies.c: the MSS in the cookie, the rest in the timestamp's low bits). */
export interface SynCookieFacts {
  mss: number;
  windowScale: number;
  sackPermitted: boolean;
  ecn: boolean;
}

/** `createSynCookies(secretRandom)`. Time in units of 60 s, cookies live two of them (MAX_SYNCOOKIE_AGE). */
export interface SynCookies {
  /** The ISN to answer with; `facts.mss` is lowered to the table's entry. */
  make(tuple: FourTuple, clientIsn: number, facts: SynCookieFacts, now: Nanos): number;
  /** MSS of the cookie that this ACK acknowledges (`ack - 1`), or 0: it is none of ours. `clientIsn` is `seq - 1`. */
  check(tuple: FourTuple, clientIsn: number, cookie: number, now: Nanos): number;
  /** `cookie_init_timestamp`: `tsval` with its low six bits used for wscale (4), SACK and ECN; never later than `tsval`. */
  encodeTimestamp(tsval: number, facts: SynCookieFacts): number;
  /** `cookie_timestamp_decode`: fills `facts` from the echoed value; false: not possible. */
  decodeTimestamp(tsecr: number, facts: SynCookieFacts): boolean;
}

/** `createFastOpenKeys(secretRandom)`: the server's cookies (net/ipv4/tcp_fastopen.c: SipHash of the addresses, 8 bytes). */
export interface FastOpenKeys {
  /** One or two keys of 16 bytes: the first makes cookies, all check them (`tcp_fastopen_key`, TCP_FASTOPEN_KEY). */
  setKeys(keys: readonly Uint8Array[]): void;
  readonly keys: readonly Uint8Array[];
  cookie(local: IpAddress, remote: IpAddress): Uint8Array;
  /** 0: not valid; 1: valid; 2: valid under the backup key (the client gets a new one). */
  check(local: IpAddress, remote: IpAddress, u8: Uint8Array, at: number, length: number): 0 | 1 | 2;
}

/** `createFastOpenCache(entries)`: what the client knows of servers (`tcp_metrics`): least recently used go first. */
export interface FastOpenCache {
  get(remote: IpAddress): FastOpenCacheEntry | undefined;
  set(remote: IpAddress, entry: FastOpenCacheEntry): void;
  delete(remote: IpAddress): void;
}

export interface FastOpenCacheEntry {
  readonly mss: number;
  /** Empty: none, though asked (then `tryExperimental`). */
  readonly cookie: Uint8Array;
  /** It came in the experimental option: ask so again. */
  readonly experimental: boolean;
  /** 1: next time ask by the experimental option (`try_exp`). */
  readonly tryExperimental: number;
  readonly synLoss: number;
  readonly lastSynLoss: Nanos;
}

// ------------------------------------------------------------------------------------------------ src/acc-ecn.ts

/** AccECN of one connection (RFC 9768; Linux 6.18 `tcp_ecn.h`). `createAccEcn()`; exists only once both ends speak it. */
export interface AccEcn {
  /** CE-marked packets that came (`received_ce`), from 5. */
  receivedCe: number;
  /** Payload bytes that came with ECT(0), CE, ECT(1), the receiver's counters of the option, from 1, 0, 1 (RFC 9768 §3.2.1). */
  readonly receivedBytes: Float64Array;
  /** CE-marked packets that the peer says it got from us (`delivered_ce`). */
  deliveredCe: number;
  /** Notes an arriving packet: IP ECN, payload bytes, segments. */
  received(ipEcn: number, payloadLength: number, segments: number): void;
  /** The three flags (AE CWR ECE as bits of `tcp.AE` …) of outgoing packets: the ACE field. */
  aceFlags(): number;
  /** How many of our packets the peer newly reports as CE-marked, from ACE and option, given what was newly delivered (§3.2.2.5.2). */
  acknowledged(
    segment: Segment,
    deliveredPackets: number,
    deliveredBytes: number,
    mss: number,
    flagForward: boolean,
  ): number;
  /** Should the option be sent with this ACK, and with how many counters, given the room in bytes? Fills `out`. */
  writeOption(out: Outgoing, room: number): void;
  /** Notes what was sent in ACE, for the rule of ACKs on change. */
  needsAck(): boolean;
}

/** The handshake's encodings (RFC 9768 §3.1.1): flags of the SYN, answer of the server by the IP ECN of the SYN, what a SYN/ACK means. */
export interface AccEcnHandshake {
  synFlags(): number;
  synAckFlags(ipEcnOfSyn: number): number;
  /** What the server chose: "accecn", "ecn" (RFC 3168), "none"; with what it saw of the SYN's IP ECN. */
  readSynAck(flags: number): { readonly mode: "accecn" | "ecn" | "none"; readonly ipEcnSeen: number };
  /** The ACE of the handshake's last ACK: what the client saw on the SYN/ACK (§3.2.2.1). */
  thirdAckAce(ipEcnOfSynAck: number): number;
  /** The server's reading of it; -1: not valid. */
  readThirdAck(ace: number): number;
}

// ----------------------------------------------------------------------------------------------- src/plpmtud.ts

/** The search of PLPMTUD (RFC 4821, tcp_mtu_probing): sizes are IP packets' bytes. `createPlpmtud(low, high)`. */
export interface Plpmtud {
  readonly enabled: boolean;
  low: number;
  high: number;
  /** 0: none on its way. */
  probeSize: number;
  /** When `high` is to be searched for anew (tcp_probe_interval). */
  reprobeAt: Nanos;
  /** The size to try next, or 0: the search is over (the distance is below `threshold`, tcp_probe_threshold). */
  next(threshold: number): number;
  succeeded(): void;
  failed(): void;
  /** A black hole: halves `low` towards `floor` (`tcp_mtu_probing`, timer). Answers the new packet size. */
  blackHole(floor: number): number;
}

// ------------------------------------------------------------------------------------------ src/rcvbuf-autotune.ts

/** Dynamic right-sizing (`tcp_rcv_space_adjust`, `tcp_rcv_rtt_measure(_ts)`). `createRcvbufAutotune(now, initialSpace)`. Lazy: made with the first data. */
export interface RcvbufAutotune {
  /** Smoothed RTT as the receiver sees it, ns; 0: none. */
  readonly rcvRtt: Nanos;
  /** Bytes copied per RTT last time (`rcvq_space.space`). */
  readonly space: number;
  /** A timestamp echoed by a full-sized segment gave a sample, ns. */
  sampleTimestamp(rtt: Nanos): void;
  /** Without timestamps: time that it takes for a window to fill. */
  sampleWindow(now: Nanos, rcvNxt: number, rcvWnd: number): void;
  /** Data was copied to the user: answers the receive window in bytes that is wanted now, or 0: as it is. */
  copied(now: Nanos, copiedSeq: number, bytesOutOfOrder: number, advmss: number, unread?: number): number;
}
