/**
 * Where a checksum was computed: by the `device`; in software from the headers alone, because the one inside it is the
 * device's (`lco`, local checksum offload); in `software` over everything; or nowhere, the field says so (`absent`).
 */
export type ChecksumPlace = "device" | "lco" | "software" | "absent";

/**
 * Who verified a received checksum: the `device`, which said so (CHECKSUM_UNNECESSARY); software, by the sum that the device
 * gave (`complete`, CHECKSUM_COMPLETE) or that a verified checksum around it gave away (`known`), without a look at the
 * payload; `software`, over everything; nobody, for there is none (`absent`) or it never got so far (`nobody`). `bad`: it was
 * found wrong.
 */
export type VerifiedBy = "device" | "complete" | "known" | "software" | "absent" | "nobody" | "bad";

/** What became of the packet at its receiver. */
export interface OffloadReceipt {
  readonly to: string;
  /** Profile of the receiving NIC. */
  readonly profile: string;
  /** What it said of the first frame: `unnecessary` with a `csumLevel`, `complete`, or `none`. */
  readonly report: "none" | "unnecessary" | "complete";
  readonly csumLevel: number;
  /** Transport checksums from the outside inwards, of the first frame. */
  readonly checksums: readonly { readonly header: string; readonly by: VerifiedBy }[];
  /** Bytes that the CPU, and that the hardware, read to verify all frames. */
  readonly cpuSummed: number;
  readonly deviceSummed: number;
  /** Bytes of payload that were delivered, each verified on its way. */
  readonly delivered: number;
}

/** One packet of `superPackets`: what became of it on its way to the wire, and behind it. */
export interface OffloadResult {
  readonly name: string;
  readonly from: string;
  /** Profile of the sending NIC. */
  readonly profile: string;
  /** Its driver does not check what its hardware gets wrong. */
  readonly careless?: true;
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
  /** Bytes that the CPU read for checksums, and that it copied to cut the packet, summing them on the way. */
  readonly cpuSummed: number;
  readonly cpuMoved: number;
  /** Bytes that the hardware read for checksums. */
  readonly deviceSummed: number;
  /** Every frame on the wire is right at every level, and together they carry the payload, by a reader of its own. */
  readonly right: boolean;
  readonly faults: readonly string[];
  /** Absent: nothing is known of the receiver's interface, because it is no `nic`. */
  readonly receipt?: OffloadReceipt;
}
