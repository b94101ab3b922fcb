/**
 * Where a checksum was computed: by the `device`; in software from the headers alone, because the one inside it is the
 * device's (`lco`, local checksum offload); in `software` over everything; or nowhere, the field says so (`absent`).
 */
export type ChecksumPlace = "device" | "lco" | "software" | "absent";

/** One packet of `superPackets`: what became of it on its way to the wire. */
export interface OffloadResult {
  readonly name: string;
  readonly from: string;
  /** Profile of the sending NIC. */
  readonly profile: string;
  /** Interface that it was sent through, and what carries it: `none`, or kinds of tunnels from the inside out. */
  readonly via: string;
  readonly tunnel: string;
  /** `tcp4`, `sctp6` … */
  readonly inner: string;
  /** Bytes of payload of the packet as it was sent. */
  readonly payload: number;
  /** Frames on the wire. */
  readonly frames: number;
  /** Transport checksums from the outside inwards, of the first frame. */
  readonly checksums: readonly { readonly header: string; readonly place: ChecksumPlace }[];
  /** Who cut it into frames: `none`, for it was one. */
  readonly segmentation: "device" | "partial" | "software" | "none";
  /** Bytes that the CPU read for checksums, and that it moved to cut the packet; each byte of them counts once. */
  readonly cpuSummed: number;
  readonly cpuMoved: number;
  /** Bytes that the hardware read for checksums. */
  readonly deviceSummed: number;
  /** Every frame on the wire is right at every level, and together they carry the payload, by a reader of its own. */
  readonly right: boolean;
  readonly faults: readonly string[];
}
