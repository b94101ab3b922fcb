import {
  add,
  incrementUnnecessary,
  isValid,
  shift,
  sub,
  type ChecksumVerdict,
  type PartialSum,
  type SumKernels,
} from "@seville/checksum";
import { CHECKSUM_COMPLETE, CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, type Packet } from "@seville/packet";

/**
 * What is known of a packet's checksums while GRO walks inwards: how many the device verified, or the sum of everything from
 * some offset on (`csum_cnt`, `csum_valid`, `csum` of `struct napi_gro_cb`).
 */
export class GroChecksum {
  readonly #kernels: SumKernels;
  readonly #packet: Packet;
  #verified: number;
  /** Sum of the bytes from `#sumFrom` to the end. */
  #sum: PartialSum | undefined;
  #sumFrom: number;

  constructor(kernels: SumKernels, packet: Packet) {
    this.#kernels = kernels;
    this.#packet = packet;
    this.#verified = packet.ipSummed === CHECKSUM_UNNECESSARY ? packet.csumLevel + 1 : 0;
    this.#sum = packet.ipSummed === CHECKSUM_COMPLETE ? packet.csum : undefined;
    this.#sumFrom = packet.data;
  }

  /**
   * Whether the checksum over everything from `at` on is good, given the sum of the pseudo-header
   * (`__skb_gro_checksum_validate`). One that is `absent` is.
   */
  validate(at: number, pseudo: PartialSum, absent = false): boolean {
    const packet = this.#packet;
    const isPartial = packet.ipSummed === CHECKSUM_PARTIAL && packet.csumStart >= at;
    const verdict = isPartial || this.#verified > 0 ? "unnecessary" : absent ? "absent" : this.#judge(at, pseudo);
    this.#kernels.observer?.verdict?.(at, verdict);
    if (verdict === "bad") return false;
    if (this.#verified > 0) this.#verified--;
    else if (!isPartial) incrementUnnecessary(packet);
    return true;
  }

  /** After a checksum that is there and good, the sum from its header on is known (`skb_gro_checksum_try_convert`). */
  convert(at: number, pseudo: PartialSum): void {
    if (this.#verified > 0 || this.#sum !== undefined) return;
    this.#sum = ~pseudo >>> 0;
    this.#sumFrom = at;
  }

  #judge(at: number, pseudo: PartialSum): ChecksumVerdict {
    const sum = this.#sum;
    const isKnown = sum !== undefined && at >= this.#sumFrom;
    if (isKnown) {
      const front = at - this.#sumFrom;
      const rest = shift(sub(sum, this.#kernels.sum(this.#sumFrom, front)), front);
      if (isValid(add(pseudo, rest))) return "complete";
    }
    if (!isValid(this.#kernels.sum(at, this.#packet.tail - at, pseudo))) return "bad";
    return isKnown ? "fault" : "software";
  }
}
