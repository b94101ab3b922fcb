import type { ChecksumKernels } from "../kernels.ts";
import { add, finish, shift, sub, type PartialSum } from "../partial.ts";
import { CHECKSUM_COMPLETE, dataLength, sumData, type ChecksumPacket } from "./state.ts";
import { setPartial } from "./transmit.ts";
import { TCP_CHECKSUM_OFFSET, UDP_CHECKSUM_OFFSET } from "./validate.ts";

/**
 * Remote checksum offload (draft-herbert-remotecsumoffload-02; C26): the sender leaves the inner checksum undone, its field
 * holding the pseudo-header's sum, and ships where it is; the receiver, having verified the outer one, derives it.
 */
export interface RemoteChecksum {
  /** First byte to sum, from the end of the tunnel header. */
  readonly start: number;
  /** The checksum field, from the end of the tunnel header. */
  readonly offset: number;
}

/** VXLAN: the flag in the first word of the header that says the VNI's spare byte is in use (draft-herbert-vxlan-rco-00). */
export const VXLAN_RCO_FLAG = 0x0020_0000;
/** GUE: in the first word of the header, private flags follow. */
export const GUE_PRIVATE_FLAG = 0x0001;
/** GUE: in the word of private flags, a remote checksum follows. */
export const GUE_PRIVATE_REMCSUM = 0x8000_0000;

const VXLAN_RCO_UDP = 0x80;
const VXLAN_RCO_START = 0x7f;

/** Who may use remote checksum offload: it is off until both ends turn it on, and VXLAN-GPE needs its byte otherwise. */
export function remoteChecksumUsable(options: { transmit: boolean; receive: boolean; gpe: boolean }): boolean {
  return options.transmit && options.receive && !options.gpe;
}

/**
 * The byte beside the VNI: half of `start` in 7 bits, and whether the field is UDP's or TCP's. `undefined` if that cannot
 * be said in a byte: an odd start, one beyond 254, another field. The inner checksum is then done here.
 */
export function encodeVxlanRco({ start, offset }: RemoteChecksum): number | undefined {
  const fromStart = offset - start;
  if ((start & 1) === 1 || start < 0 || start > VXLAN_RCO_START * 2) return undefined;
  if (fromStart === UDP_CHECKSUM_OFFSET) return (start >>> 1) | VXLAN_RCO_UDP;
  return fromStart === TCP_CHECKSUM_OFFSET ? start >>> 1 : undefined;
}

/** The inverse of {@link encodeVxlanRco}. */
export function decodeVxlanRco(byte: number): RemoteChecksum {
  const start = (byte & VXLAN_RCO_START) * 2;
  return { start, offset: start + ((byte & VXLAN_RCO_UDP) === 0 ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET) };
}

/** Writes GUE's four bytes, both offsets in network order, at `at`. */
export function encodeGueRemcsum(view: DataView, at: number, { start, offset }: RemoteChecksum): void {
  view.setUint16(at, start);
  view.setUint16(at + 2, offset);
}

/** Reads what {@link encodeGueRemcsum} writes. */
export function decodeGueRemcsum(view: DataView, at: number): RemoteChecksum {
  return { start: view.getUint16(at), offset: view.getUint16(at + 2) };
}

/**
 * Writes the checksum that `sum` implies (Linux `remcsum_adjust`): `sum` covers everything from `at`, the end of the tunnel
 * header. Returns what the write added to that sum.
 */
export function remcsumAdjust(
  kernels: ChecksumKernels,
  at: number,
  sum: PartialSum,
  { start, offset }: RemoteChecksum,
): PartialSum {
  const { view } = kernels.memory;
  const field = at + offset;
  const before = view.getUint16(field);
  const checksum = finish(shift(sub(sum, kernels.sum(at, start)), start));
  view.setUint16(field, checksum);
  return shift(sub(checksum, before), offset);
}

/** Puts back what {@link remcsumAdjust} overwrote, given what it returned (Linux `remcsum_unadjust`). */
export function remcsumUnadjust(
  kernels: ChecksumKernels,
  at: number,
  delta: PartialSum,
  { offset }: RemoteChecksum,
): void {
  const { view } = kernels.memory;
  view.setUint16(at + offset, finish(sub(shift(delta, offset), view.getUint16(at + offset))));
}

/**
 * Finishes a received packet whose tunnel header, with a {@link RemoteChecksum}, has been pulled: `data` is its end, and
 * the outer checksum has been verified (Linux `skb_remcsum_process`). `keepPartial` leaves the checksum undone and the
 * packet PARTIAL, which is cheaper when it goes on to a device; otherwise the checksum is written. `false`: the offsets lie
 * outside of the packet, or its headers cannot be made writable; drop it.
 */
export function remcsumProcess(
  kernels: ChecksumKernels,
  packet: ChecksumPacket & { cowHead?(headroom?: number): boolean },
  remote: RemoteChecksum,
  keepPartial: boolean,
): boolean {
  const { start, offset } = remote;
  if (start > offset || offset + 2 > packet.tail - packet.data) return false;
  if (keepPartial) {
    setPartial(packet, packet.data + start, offset - start);
    return true;
  }
  if (packet.cowHead?.() === false) return false;
  if (packet.ipSummed !== CHECKSUM_COMPLETE) {
    packet.csum = sumData(kernels, packet, 0, dataLength(packet));
    packet.ipSummed = CHECKSUM_COMPLETE;
  }
  const delta = remcsumAdjust(kernels, packet.data, packet.csum, remote);
  packet.csum = add(packet.csum, delta);
  return true;
}
