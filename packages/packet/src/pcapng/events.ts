/** What a capture file says, piece by piece, in its order. */
export type CaptureEvent =
  CaptureSection | CaptureInterface | CapturedPacket | CaptureNames | CaptureStatistics | CaptureError;

/** A section begins. Interfaces are numbered from 0 again. A classic pcap file is one section. */
export interface CaptureSection {
  readonly type: "section";
  readonly format: "pcapng" | "pcap";
  readonly littleEndian: boolean;
  readonly comments: readonly string[];
  readonly hardware?: string;
  readonly os?: string;
  readonly application?: string;
}

export interface CaptureInterface {
  readonly type: "interface";
  /** Its number within the section. */
  readonly interface: number;
  readonly linkType: number;
  /** Bytes kept of each packet, 0: all. */
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  /** Bits per second. */
  readonly speed?: number;
  readonly comments: readonly string[];
}

/** Since 1970: whole seconds, and nanoseconds within the second. Together they pass 2^53, so they stay apart. */
export interface CaptureTime {
  readonly seconds: number;
  readonly nanos: number;
}

export interface CapturedPacket {
  readonly type: "packet";
  readonly interface: number;
  readonly linkType: number;
  /** `undefined` in a simple packet block, which has none. */
  readonly time: CaptureTime | undefined;
  /** What was kept. A view into the reader's memory: copy what must outlive the event. */
  readonly data: Uint8Array;
  /** Bytes that were on the wire. */
  readonly originalLength: number;
  readonly comments: readonly string[];
  readonly direction?: "inbound" | "outbound";
  readonly crcError: boolean;
  /** Packets lost on this interface since the packet before. */
  readonly dropCount?: number;
}

export interface CaptureNames {
  readonly type: "names";
  readonly entries: readonly { readonly address: Uint8Array; readonly names: readonly string[] }[];
}

export interface CaptureStatistics {
  readonly type: "statistics";
  readonly interface: number;
  readonly received?: number;
  readonly dropped?: number;
}

/**
 * Something in the file is not as the format has it. If `fatal`, nothing follows; otherwise the block was passed over.
 */
export interface CaptureError {
  readonly type: "error";
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly message: string;
  readonly fatal: boolean;
}

/** Nanoseconds from `start` to `time`, exact within 104 days. */
export function nanosSince(start: CaptureTime, time: CaptureTime): number {
  return (time.seconds - start.seconds) * 1_000_000_000 + (time.nanos - start.nanos);
}
