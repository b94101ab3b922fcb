import { mangleZero, replaceByDifference } from "../incremental.ts";
import { add, fold, sub, type PartialSum } from "../partial.ts";
import { CHECKSUM_COMPLETE, CHECKSUM_PARTIAL, type ChecksumState } from "./state.ts";

export interface ReplaceOptions {
  /** The change is in the pseudo-header: an address, the length, the protocol. */
  readonly pseudoHeader: boolean;
  /** The field is UDP's: 0 means "none" and stays, a checksum that becomes 0 is stored as 0xffff. */
  readonly udp?: boolean;
  /**
   * The changed words are themselves within the sum that COMPLETE holds and nothing else in it makes up for them: IPv6
   * addresses while `data` is still at the IPv6 header. Then the change of the field and theirs cancel out.
   */
  readonly addressInSum?: boolean;
}

/**
 * The checksum field at `field` after a change by `difference` of what it covers, depending on what is known of the
 * packet (Linux `inet_proto_csum_replace4`, `…_replace16`, `…_replace_by_diff`; C6).
 *
 * - NONE, UNNECESSARY: the field is patched.
 * - COMPLETE: the field is patched; a change in the pseudo-header changes the field alone and so the sum over the data.
 * - PARTIAL: the field holds the pseudo-header's sum, uncomplemented: only changes of that are applied to it.
 */
export function protocolReplace(
  view: DataView,
  field: number,
  state: ChecksumState,
  difference: PartialSum,
  options: ReplaceOptions,
): void {
  const before = view.getUint16(field);
  if (state.ipSummed === CHECKSUM_PARTIAL) {
    if (options.pseudoHeader) view.setUint16(field, fold(add(before, difference)));
    return;
  }
  if (options.udp === true && before === 0) return;
  const patched = replaceByDifference(before, difference);
  view.setUint16(field, options.udp === true ? mangleZero(patched) : patched);
  if (state.ipSummed === CHECKSUM_COMPLETE && options.pseudoHeader && options.addressInSum !== true) {
    state.csum = sub(state.csum, difference);
  }
}
