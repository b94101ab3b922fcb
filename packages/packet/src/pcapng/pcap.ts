import type { CapturedPacket, CaptureEvent } from "./events.ts";
import { PCAP_MAGIC_KUZNETSOV, PCAP_MAGIC_MICROSECONDS, PCAP_MAGIC_NANOSECONDS } from "./format.ts";

/** Bytes of a classic file's header. */
export const PCAP_FILE_HEADER = 24;

/** What a classic pcap file's header says of its records. */
export interface PcapState {
  readonly littleEndian: boolean;
  readonly linkType: number;
  readonly snapLength: number;
  /** Nanoseconds in a unit of the record's fraction of a second. */
  readonly fraction: number;
  readonly recordHeader: number;
}

/** Reads the magic number: `undefined` if this is not a classic pcap file. */
export function pcapByteOrder(view: DataView): { littleEndian: boolean; magic: number } | undefined {
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === PCAP_MAGIC_MICROSECONDS || magic === PCAP_MAGIC_NANOSECONDS || magic === PCAP_MAGIC_KUZNETSOV) {
      return { littleEndian, magic };
    }
  }
  return undefined;
}

/** Reads the file's header: {@link PCAP_FILE_HEADER} bytes. */
export function readPcapHeader(view: DataView, littleEndian: boolean, magic: number): PcapState {
  return {
    littleEndian,
    snapLength: view.getUint32(16, littleEndian),
    // The upper half tells of a check sequence at the end of each frame.
    linkType: view.getUint32(20, littleEndian) & 0xffff,
    fraction: magic === PCAP_MAGIC_NANOSECONDS ? 1 : 1000,
    recordHeader: magic === PCAP_MAGIC_KUZNETSOV ? 24 : 16,
  };
}

/** The two events with which a classic file begins. */
export function pcapOpening(state: PcapState): CaptureEvent[] {
  const { littleEndian, linkType, snapLength } = state;
  return [
    { type: "section", format: "pcap", littleEndian, comments: [] },
    { type: "interface", interface: 0, linkType, snapLength, comments: [] },
  ];
}

/** Bytes that the record's header says it kept of the packet. */
export function pcapRecordLength(view: DataView, state: PcapState): number {
  return view.getUint32(8, state.littleEndian);
}

/** Reads one record, header and data, that `view` holds whole. */
export function readPcapRecord(view: DataView, state: PcapState): CapturedPacket {
  const { littleEndian, linkType, fraction, recordHeader } = state;
  const units = view.getUint32(4, littleEndian) * fraction;
  return {
    type: "packet",
    interface: 0,
    linkType,
    // A fraction of a second and more occurs in broken files: carry it over.
    time: {
      seconds: view.getUint32(0, littleEndian) + Math.floor(units / 1_000_000_000),
      nanos: units % 1_000_000_000,
    },
    data: new Uint8Array(view.buffer, view.byteOffset + recordHeader, pcapRecordLength(view, state)),
    originalLength: view.getUint32(12, littleEndian),
    comments: [],
    crcError: false,
  };
}
