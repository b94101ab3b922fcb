import type { Nanos } from "@seville/core";
import type { AccEcn, Outgoing, Segment } from "./parts.ts";
import { aceOf, flagsOfAce } from "./acc-ecn-handshake.ts";
import { fitAccEcn } from "./wire/options-fit.ts";
import { CE, ECT_0, ECT_1, NOT_ECT } from "./wire/numbers.ts";

export { accEcnHandshake } from "./acc-ecn-handshake.ts";

/** The counter of packets begins here, so that a field that somebody cleared is noticed (RFC 9768 §3.2.1). */
const INITIAL_CEP = 5;
const ACE_MASK = 7;
/** So many CE marks may go unreported (TCP_ACCECN_ACE_MAX_DELTA; RFC 9768 §3.2.2.5.1 allows no more). */
const MAX_UNREPORTED = 6;
/** The option is sent at least once while a counter grows by that much. */
const OPTION_EVERY_BYTES = 2 ** 22;
/** Without an option after so many bytes the peer's counters may have wrapped: it is too late to begin. */
const LATEST_FIRST_OPTION = 2 ** 23 - 1;

/** `receivedBytes`, `deliveredBytes`: index by IP-ECN, and what each begins with (RFC 9768 §3.2.1). */
const INDEX = { [ECT_0]: 0, [CE]: 1, [ECT_1]: 2 } as const;
const INITIAL_BYTES = [1, 0, 1] as const;
/** IP-ECN by place in the option, for the orders 0 and 1 (RFC 9768 §3.2.3). */
const FIELD_ORDER = [
  [ECT_0, CE, ECT_1],
  [ECT_1, CE, ECT_0],
] as const;

/** What the peer's options have been like. */
type OptionSeen = "never" | "empty" | "counters" | "broken";

/** The state of a connection both of whose ends speak AccECN. */
export function createAccEcn(): AccurateEcn {
  return new AccurateEcn();
}

/** The option of a SYN/ACK: counters that have counted nothing yet (`synack_ecn_bytes`). Answers whether it fits. */
export function writeInitialOption(out: Outgoing, room: number): boolean {
  out.accEcnOrder = 1;
  for (const [i, ipEcn] of FIELD_ORDER[1].entries()) out.accEcn[i] = INITIAL_BYTES[INDEX[ipEcn]];
  return fitAccEcn(out, 0, room, true);
}

/**
 * More accurate ECN feedback (RFC 9768; Linux include/net/tcp_ecn.h and tcp_input.c): every segment carries the count of
 * CE-marked packets, modulo 8; options now and then carry the counts of bytes that came with each codepoint.
 */
export class AccurateEcn implements AccEcn {
  receivedCe: number = INITIAL_CEP;
  readonly receivedBytes: Float64Array = Float64Array.from(INITIAL_BYTES);
  deliveredCe = 0;
  /** Bytes of ours that the peer says came with ECT(0), CE, ECT(1): `delivered_ecn_bytes`. */
  readonly deliveredBytes: Float64Array = new Float64Array(3);
  /** Is the peer's ACE field believed? Not after it was 0 where it cannot be. */
  aceFailed = false;
  /** Are our options answered? Not after a SYN/ACK with one was lost (RFC 9768 §3.2.3.2.2). */
  optionSendFailed = false;
  /** tcp_ecn_option: 0 never, 1 where the other end has sent one and there is something to say, 2 always. */
  optionMode = 2;
  /** tcp_ecn_option_beacon: how often in an RTT, at least. */
  beacons = 3;
  #seen: OptionSeen = "never";
  #lastEcn: number = NOT_ECT;
  #unreported = 0;
  #ackNow = false;
  /** Options owed, and how many counters the next must have at least to show what has changed. */
  #owed = 0;
  #fewestCounters = 0;
  #optionSentAt: Nanos = 0;
  /** The codepoint whose counter grew alone last time, or NOT_ECT: what bytes without an option are taken for. */
  #estimate: number = NOT_ECT;

  /** The option of the SYN, SYN/ACK or third ACK: whether the path lets it through (`tcp_accecn_option_init`). */
  optionSeen(segment: Segment): void {
    const { accEcnOrder, accEcnCount, accEcn } = segment.options;
    if (accEcnOrder < 0 || this.#seen === "counters" || this.#seen === "broken") return;
    if (accEcnCount === 0) this.#seen = "empty";
    else if (accEcn[0] === 0 || (accEcnCount === 3 && accEcn[2] === 0)) this.#seen = "broken";
    else this.#seen = "counters";
    this.#owed = 2;
  }

  /** The IP-ECN of the SYN or SYN/ACK: where changes are counted from. */
  begin(ipEcn: number): void {
    this.#lastEcn = ipEcn;
    this.#owed = Math.max(this.#owed, 1);
  }

  received(ipEcn: number, payloadLength: number, segments: number): void {
    if (ipEcn === CE) {
      this.receivedCe += Math.max(segments, 1);
      this.#unreported += Math.max(segments, 1);
    }
    if (ipEcn !== NOT_ECT && payloadLength > 0) this.#countBytes(ipEcn, payloadLength);
    const isEdge = ipEcn !== this.#lastEcn;
    if (!isEdge && ipEcn !== CE) return;
    this.#lastEcn = ipEcn;
    // Two acknowledgments: the second tells which codepoint came after the change.
    this.#owed = 2;
    if (isEdge) this.#ackNow = true;
  }

  aceFlags(): number {
    this.#unreported = 0;
    return flagsOfAce(this.receivedCe & ACE_MASK);
  }

  /** Asks once: an acknowledgment is due at once because the codepoint changed or many marks are unreported. */
  needsAck(): boolean {
    const due = this.#ackNow || this.#unreported >= MAX_UNREPORTED;
    this.#ackNow = false;
    return due;
  }

  /**
   * `__tcp_accecn_process`. The ACE field counts modulo 8; where more packets were delivered than it can tell apart, the
   * bytes of the option say how often it went round, and without an option the worst is assumed.
   */
  acknowledged(
    segment: Segment,
    deliveredPackets: number,
    deliveredBytes: number,
    mss: number,
    flagForward: boolean,
  ): number {
    if (!flagForward || this.aceFailed) return 0;
    const before = this.deliveredBytes[INDEX[CE]] as number;
    const isOptionValid = this.#readOption(segment, deliveredBytes);
    const ce = (this.deliveredBytes[INDEX[CE]] as number) - before;
    const least = (aceOf(segment.flags) - INITIAL_CEP - this.deliveredCe) & ACE_MASK;
    const delta =
      deliveredPackets <= ACE_MASK
        ? least
        : resolveWraps(least, deliveredPackets, deliveredBytes, mss, isOptionValid ? ce : undefined);
    this.deliveredCe += delta;
    return delta;
  }

  writeOption(out: Outgoing, room: number, now: Nanos = 0, srtt: Nanos = 0): void {
    out.accEcnOrder = -1;
    if (this.optionMode === 0 || this.optionSendFailed || this.#seen === "never") return;
    const isBeaconDue = this.beacons > 0 && (now - this.#optionSentAt) * this.beacons >= srtt;
    if (this.optionMode < 2 && this.#owed === 0 && !isBeaconDue) return;
    out.accEcnOrder = 1;
    if (!fitAccEcn(out, this.#fewestCounters, room, false)) return;
    for (let i = 0; i < out.accEcnCount; i++) {
      out.accEcn[i] = (this.receivedBytes[INDEX[FIELD_ORDER[1][i] as keyof typeof INDEX]] as number) & 0xff_ffff;
    }
    this.#fewestCounters = 0;
    this.#optionSentAt = now;
    if (this.#owed > 0) this.#owed--;
  }

  #countBytes(ipEcn: number, payloadLength: number): void {
    const index = INDEX[ipEcn as keyof typeof INDEX];
    const before = this.receivedBytes[index] as number;
    const after = before + payloadLength;
    this.receivedBytes[index] = after;
    const place = FIELD_ORDER[1].indexOf(ipEcn as CodePoint) + 1;
    this.#fewestCounters = Math.max(this.#fewestCounters, place);
    if (Math.floor(before / OPTION_EVERY_BYTES) !== Math.floor(after / OPTION_EVERY_BYTES)) {
      this.#owed = Math.max(this.#owed, 1);
    }
  }

  /** `tcp_accecn_process_option`. Answers whether `deliveredBytes` can be relied on for this acknowledgment. */
  #readOption(segment: Segment, newlyDelivered: number): boolean {
    const { accEcnOrder, accEcnCount, accEcn } = segment.options;
    if (this.#seen === "broken") return false;
    if (accEcnOrder < 0) {
      if (this.#estimate === NOT_ECT || this.#seen === "never") return false;
      this.#addDelivered(this.#estimate, newlyDelivered);
      return true;
    }
    this.optionSeen(segment);
    if ((this.#seen as OptionSeen) === "broken") return false;
    const estimate = this.#estimate;
    let isValid = estimate !== NOT_ECT;
    let changed: number = NOT_ECT;
    let isAmbiguous = false;
    for (let i = 0; i < accEcnCount; i++) {
      const ipEcn = FIELD_ORDER[accEcnOrder === 0 ? 0 : 1][i] as CodePoint;
      const delta = this.#takeCounter(ipEcn, accEcn[i] as number);
      if (delta < 0) isAmbiguous = true;
      if (delta === 0 || ipEcn === estimate) continue;
      if (changed === NOT_ECT) this.#estimate = changed = ipEcn;
      else isAmbiguous = true;
    }
    if (isAmbiguous) {
      this.#estimate = NOT_ECT;
      isValid = false;
    }
    return isValid;
  }

  /** By how much the peer's counter, of which 24 bits are sent, is ahead of what is known. */
  #takeCounter(ipEcn: CodePoint, counter: number): number {
    const index = INDEX[ipEcn];
    const known = this.deliveredBytes[index] as number;
    const delta = ((counter - INITIAL_BYTES[index] - known) << 8) >> 8;
    this.deliveredBytes[index] = known + delta;
    return delta;
  }

  #addDelivered(ipEcn: number, bytes: number): void {
    const index = INDEX[ipEcn as keyof typeof INDEX];
    this.deliveredBytes[index] = (this.deliveredBytes[index] as number) + bytes;
  }

  /** The peer has sent no option in all that time: from now on none is believed. */
  noOptionUntil(bytesSent: number): void {
    if (this.#seen === "never" && bytesSent >= LATEST_FIRST_OPTION) this.#seen = "broken";
  }
}

type CodePoint = typeof ECT_0 | typeof CE | typeof ECT_1;

/**
 * How many marks, of which the number modulo 8 is `least` (RFC 9768 App. A.2): at most all packets but those that the
 * remainder excludes, and fewer if the bytes with CE say so.
 */
function resolveWraps(least: number, packets: number, bytes: number, mss: number, ceBytes: number | undefined): number {
  const most = packets - ((packets - least) & ACE_MASK);
  if (ceBytes === undefined) return most;
  if (ceBytes === 0) return least;
  if (packets >= 2 * (ACE_MASK + 1)) {
    if (bytes <= ceBytes) return most;
    const estimate = Math.ceil((ceBytes * packets) / bytes);
    return Math.min(most, least + (estimate & ~ACE_MASK));
  }
  if (ceBytes > least * mss) return most;
  return ceBytes < (most * mss) / 2 ? least : most;
}
