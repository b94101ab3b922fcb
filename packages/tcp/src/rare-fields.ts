import { NO_TIME } from "@seville/congestion";
import { type Nanos, NEVER } from "@seville/core";
import type { MtuProbe, PlbState, UrgentState } from "./connection.ts";
import type { TcpListener } from "./listener.ts";
import type { TxSegment } from "./tx-segment.ts";

/**
 * What a connection needs only while something is out of the ordinary: recovery, probes, a few timers and what is counted of them. All connections
 * to which nothing has happened share one; that is a third of a connection's memory.
 */
export class Rare {
  /** When the first retransmission of this episode was sent; NO_TIME: none (`retrans_stamp`). */
  retransStamp: Nanos = NO_TIME;
  undoMarkerSeq: number = 0;
  /** Retransmissions that have not been shown needless; -1: not counting. */
  undoRetrans: number = -1;
  frto: boolean = false;
  isSackReneg: boolean = false;
  tlpHighSeq: number = 0;
  /** A tail loss probe is out: {@link tlpHighSeq} counts. */
  tlpOut: boolean = false;
  tlpRetrans: boolean = false;
  /** Behind the highest SACKed byte; meaningful while sackedOut > 0. */
  highestSack: number = 0;
  probesOut: number = 0;
  probesTstamp: Nanos = NO_TIME;
  /** Where to look for the next segment to retransmit (`retransmit_skb_hint`). */
  retransmitHint: TxSegment | undefined = undefined;
  /** The blocks of the last SACK, edges int32: what they cover has been worked on (`recv_sack_cache`). */
  sackCache: Int32Array | undefined = undefined;
  sackCacheCount: number = 0;
  compressedAck: number = 0;
  compressedAckRcvNxt: number = 0;
  dupAckCounter: number = 0;
  lastOowAckTime: Nanos = NO_TIME;
  /** A FIN came out of order; where it is. */
  finPending: boolean = false;
  finSeq: number = 0;
  /** Data could not be kept: the next segment offers nothing (ICSK_ACK_NOMEM). */
  noMemory: boolean = false;
  urgent: UrgentState | undefined = undefined;
  /** TCP_SAVE_SYN: headers of the SYN. */
  savedSyn: Uint8Array | undefined = undefined;
  /** That listener, after it was accepted, while a Fast Open handshake still counts there. */
  acceptedFrom: TcpListener | undefined = undefined;
  /** Bytes that went into the buffer with the SYN. */
  fastOpenTaken: number = 0;
  mtuProbe: MtuProbe | undefined = undefined;
  plb: PlbState | undefined = undefined;
  /** AccECN was asked for in the SYN; and it is spoken. */
  accEcnAsked: boolean = false;
  bytesRetrans: number = 0;
  dsackDups: number = 0;
  /** A DSACK was seen (TCP_DSACK_SEEN; shown in tcp_info as reord). */
  dsackSeen: boolean = false;
  rcvOoopack: number = 0;
  plbRehash: number = 0;
  totalRto: number = 0;
  totalRtoRecoveries: number = 0;
  totalRtoTime: Nanos = 0;
  rtoStamp: Nanos = NO_TIME;
  /** Keepalive, FIN-WAIT-2, and of an embryo the SYN/ACK (`sk_timer`). */
  keepTimeout: Nanos = NEVER;
  pacingTimeout: Nanos = NEVER;
  compressedAckTimeout: Nanos = NEVER;
  softError: string | undefined = undefined;
  totalRetrans: number = 0;
  retransmits: number = 0;
  backoff: number = 0;
}

/** Of connections to which nothing has happened. Never written to. */
export const ORDINARY: Rare = Object.freeze(new Rare());

/** Gives the fields of {@link Rare} to a connection, which gets an object of its own with the first value that is not the ordinary one. */
export class RareFields {
  rare: Rare = ORDINARY;

  /** An object of its own. */
  own(): Rare {
    if (this.rare === ORDINARY) this.rare = new Rare();
    return this.rare;
  }

  get retransStamp(): Nanos {
    return this.rare.retransStamp;
  }
  set retransStamp(value: Nanos) {
    if (value !== this.rare.retransStamp) this.own().retransStamp = value;
  }

  get undoMarkerSeq(): number {
    return this.rare.undoMarkerSeq;
  }
  set undoMarkerSeq(value: number) {
    if (value !== this.rare.undoMarkerSeq) this.own().undoMarkerSeq = value;
  }

  get undoRetrans(): number {
    return this.rare.undoRetrans;
  }
  set undoRetrans(value: number) {
    if (value !== this.rare.undoRetrans) this.own().undoRetrans = value;
  }

  get frto(): boolean {
    return this.rare.frto;
  }
  set frto(value: boolean) {
    if (value !== this.rare.frto) this.own().frto = value;
  }

  get isSackReneg(): boolean {
    return this.rare.isSackReneg;
  }
  set isSackReneg(value: boolean) {
    if (value !== this.rare.isSackReneg) this.own().isSackReneg = value;
  }

  get tlpHighSeq(): number {
    return this.rare.tlpHighSeq;
  }
  set tlpHighSeq(value: number) {
    if (value !== this.rare.tlpHighSeq) this.own().tlpHighSeq = value;
  }

  get tlpOut(): boolean {
    return this.rare.tlpOut;
  }
  set tlpOut(value: boolean) {
    if (value !== this.rare.tlpOut) this.own().tlpOut = value;
  }

  get tlpRetrans(): boolean {
    return this.rare.tlpRetrans;
  }
  set tlpRetrans(value: boolean) {
    if (value !== this.rare.tlpRetrans) this.own().tlpRetrans = value;
  }

  get highestSack(): number {
    return this.rare.highestSack;
  }
  set highestSack(value: number) {
    if (value !== this.rare.highestSack) this.own().highestSack = value;
  }

  get probesOut(): number {
    return this.rare.probesOut;
  }
  set probesOut(value: number) {
    if (value !== this.rare.probesOut) this.own().probesOut = value;
  }

  get probesTstamp(): Nanos {
    return this.rare.probesTstamp;
  }
  set probesTstamp(value: Nanos) {
    if (value !== this.rare.probesTstamp) this.own().probesTstamp = value;
  }

  get retransmitHint(): TxSegment | undefined {
    return this.rare.retransmitHint;
  }
  set retransmitHint(value: TxSegment | undefined) {
    if (value !== this.rare.retransmitHint) this.own().retransmitHint = value;
  }

  get sackCache(): Int32Array | undefined {
    return this.rare.sackCache;
  }
  set sackCache(value: Int32Array | undefined) {
    if (value !== this.rare.sackCache) this.own().sackCache = value;
  }

  get sackCacheCount(): number {
    return this.rare.sackCacheCount;
  }
  set sackCacheCount(value: number) {
    if (value !== this.rare.sackCacheCount) this.own().sackCacheCount = value;
  }

  get compressedAck(): number {
    return this.rare.compressedAck;
  }
  set compressedAck(value: number) {
    if (value !== this.rare.compressedAck) this.own().compressedAck = value;
  }

  get compressedAckRcvNxt(): number {
    return this.rare.compressedAckRcvNxt;
  }
  set compressedAckRcvNxt(value: number) {
    if (value !== this.rare.compressedAckRcvNxt) this.own().compressedAckRcvNxt = value;
  }

  get dupAckCounter(): number {
    return this.rare.dupAckCounter;
  }
  set dupAckCounter(value: number) {
    if (value !== this.rare.dupAckCounter) this.own().dupAckCounter = value;
  }

  get lastOowAckTime(): Nanos {
    return this.rare.lastOowAckTime;
  }
  set lastOowAckTime(value: Nanos) {
    if (value !== this.rare.lastOowAckTime) this.own().lastOowAckTime = value;
  }

  get finPending(): boolean {
    return this.rare.finPending;
  }
  set finPending(value: boolean) {
    if (value !== this.rare.finPending) this.own().finPending = value;
  }

  get finSeq(): number {
    return this.rare.finSeq;
  }
  set finSeq(value: number) {
    if (value !== this.rare.finSeq) this.own().finSeq = value;
  }

  get noMemory(): boolean {
    return this.rare.noMemory;
  }
  set noMemory(value: boolean) {
    if (value !== this.rare.noMemory) this.own().noMemory = value;
  }

  get urgent(): UrgentState | undefined {
    return this.rare.urgent;
  }
  set urgent(value: UrgentState | undefined) {
    if (value !== this.rare.urgent) this.own().urgent = value;
  }

  get savedSyn(): Uint8Array | undefined {
    return this.rare.savedSyn;
  }
  set savedSyn(value: Uint8Array | undefined) {
    if (value !== this.rare.savedSyn) this.own().savedSyn = value;
  }

  get acceptedFrom(): TcpListener | undefined {
    return this.rare.acceptedFrom;
  }
  set acceptedFrom(value: TcpListener | undefined) {
    if (value !== this.rare.acceptedFrom) this.own().acceptedFrom = value;
  }

  get fastOpenTaken(): number {
    return this.rare.fastOpenTaken;
  }
  set fastOpenTaken(value: number) {
    if (value !== this.rare.fastOpenTaken) this.own().fastOpenTaken = value;
  }

  get mtuProbe(): MtuProbe | undefined {
    return this.rare.mtuProbe;
  }
  set mtuProbe(value: MtuProbe | undefined) {
    if (value !== this.rare.mtuProbe) this.own().mtuProbe = value;
  }

  get plb(): PlbState | undefined {
    return this.rare.plb;
  }
  set plb(value: PlbState | undefined) {
    if (value !== this.rare.plb) this.own().plb = value;
  }

  get accEcnAsked(): boolean {
    return this.rare.accEcnAsked;
  }
  set accEcnAsked(value: boolean) {
    if (value !== this.rare.accEcnAsked) this.own().accEcnAsked = value;
  }

  get bytesRetrans(): number {
    return this.rare.bytesRetrans;
  }
  set bytesRetrans(value: number) {
    if (value !== this.rare.bytesRetrans) this.own().bytesRetrans = value;
  }

  get dsackDups(): number {
    return this.rare.dsackDups;
  }
  set dsackDups(value: number) {
    if (value !== this.rare.dsackDups) this.own().dsackDups = value;
  }

  get dsackSeen(): boolean {
    return this.rare.dsackSeen;
  }
  set dsackSeen(value: boolean) {
    if (value !== this.rare.dsackSeen) this.own().dsackSeen = value;
  }

  get rcvOoopack(): number {
    return this.rare.rcvOoopack;
  }
  set rcvOoopack(value: number) {
    if (value !== this.rare.rcvOoopack) this.own().rcvOoopack = value;
  }

  get plbRehash(): number {
    return this.rare.plbRehash;
  }
  set plbRehash(value: number) {
    if (value !== this.rare.plbRehash) this.own().plbRehash = value;
  }

  get totalRto(): number {
    return this.rare.totalRto;
  }
  set totalRto(value: number) {
    if (value !== this.rare.totalRto) this.own().totalRto = value;
  }

  get totalRtoRecoveries(): number {
    return this.rare.totalRtoRecoveries;
  }
  set totalRtoRecoveries(value: number) {
    if (value !== this.rare.totalRtoRecoveries) this.own().totalRtoRecoveries = value;
  }

  get totalRtoTime(): Nanos {
    return this.rare.totalRtoTime;
  }
  set totalRtoTime(value: Nanos) {
    if (value !== this.rare.totalRtoTime) this.own().totalRtoTime = value;
  }

  get rtoStamp(): Nanos {
    return this.rare.rtoStamp;
  }
  set rtoStamp(value: Nanos) {
    if (value !== this.rare.rtoStamp) this.own().rtoStamp = value;
  }

  get keepTimeout(): Nanos {
    return this.rare.keepTimeout;
  }
  set keepTimeout(value: Nanos) {
    if (value !== this.rare.keepTimeout) this.own().keepTimeout = value;
  }

  get pacingTimeout(): Nanos {
    return this.rare.pacingTimeout;
  }
  set pacingTimeout(value: Nanos) {
    if (value !== this.rare.pacingTimeout) this.own().pacingTimeout = value;
  }

  get compressedAckTimeout(): Nanos {
    return this.rare.compressedAckTimeout;
  }
  set compressedAckTimeout(value: Nanos) {
    if (value !== this.rare.compressedAckTimeout) this.own().compressedAckTimeout = value;
  }

  get softError(): string | undefined {
    return this.rare.softError;
  }
  set softError(value: string | undefined) {
    if (value !== this.rare.softError) this.own().softError = value;
  }

  get totalRetrans(): number {
    return this.rare.totalRetrans;
  }
  set totalRetrans(value: number) {
    if (value !== this.rare.totalRetrans) this.own().totalRetrans = value;
  }

  get retransmits(): number {
    return this.rare.retransmits;
  }
  set retransmits(value: number) {
    if (value !== this.rare.retransmits) this.own().retransmits = value;
  }

  get backoff(): number {
    return this.rare.backoff;
  }
  set backoff(value: number) {
    if (value !== this.rare.backoff) this.own().backoff = value;
  }
}
