import type { CapturedPacket, CaptureEvent, CaptureTime } from "./events.ts";
import {
  ENHANCED_PACKET_BLOCK,
  EPB_DIRECTION_INBOUND,
  EPB_DIRECTION_OUTBOUND,
  EPB_DROPCOUNT,
  EPB_ERROR_CRC,
  EPB_FLAGS,
  IF_DESCRIPTION,
  IF_NAME,
  IF_SPEED,
  IF_TSOFFSET,
  IF_TSRESOL,
  INTERFACE_DESCRIPTION_BLOCK,
  INTERFACE_STATISTICS_BLOCK,
  ISB_IFDROP,
  ISB_IFRECV,
  NAME_RESOLUTION_BLOCK,
  NRB_RECORD_IPV4,
  NRB_RECORD_IPV6,
  OPT_COMMENT,
  PACKET_BLOCK,
  padded,
  SECTION_HEADER_BLOCK,
  SHB_HARDWARE,
  SHB_OS,
  SHB_USERAPPL,
  SIMPLE_PACKET_BLOCK,
} from "./format.ts";
import { optionNumber, optionText, readOptions, type PcapngOption } from "./options.ts";

/** What must be remembered of an interface to read its packets. */
export interface InterfaceState {
  readonly linkType: number;
  readonly snapLength: number;
  readonly ticksPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

/** What must be remembered of a section to read its blocks. */
export interface SectionState {
  readonly littleEndian: boolean;
  readonly interfaces: InterfaceState[];
}

const DEFAULT_TICKS_PER_SECOND = 1_000_000n;
const NANOS = 1_000_000_000n;

/**
 * Reads the body of one block, `view` reaching from its first to its last byte. Adds interfaces to `section`.
 * A `string` is what is wrong with it; `undefined`: a block of a type that is not ours to read.
 */
export function readBlock(type: number, view: DataView, section: SectionState): CaptureEvent | string | undefined {
  switch (type) {
    case SECTION_HEADER_BLOCK:
      return readSection(view, section);
    case INTERFACE_DESCRIPTION_BLOCK:
      return readInterface(view, section);
    case ENHANCED_PACKET_BLOCK:
      return readEnhancedPacket(view, section);
    case PACKET_BLOCK:
      return readObsoletePacket(view, section);
    case SIMPLE_PACKET_BLOCK:
      return readSimplePacket(view, section);
    case NAME_RESOLUTION_BLOCK:
      return readNames(view, section);
    case INTERFACE_STATISTICS_BLOCK:
      return readStatistics(view, section);
    default:
      return undefined;
  }
}

function readSection(view: DataView, { littleEndian }: SectionState): CaptureEvent | string {
  if (view.byteLength < 16) return "section header block: shorter than its fixed part";
  const options = readOptions(view, 16, view.byteLength, littleEndian);
  return {
    type: "section",
    format: "pcapng",
    littleEndian,
    comments: comments(options),
    ...text(options, SHB_HARDWARE, "hardware"),
    ...text(options, SHB_OS, "os"),
    ...text(options, SHB_USERAPPL, "application"),
  };
}

function readInterface(view: DataView, { littleEndian, interfaces }: SectionState): CaptureEvent | string {
  if (view.byteLength < 8) return "interface description block: shorter than its fixed part";
  const linkType = view.getUint16(0, littleEndian);
  const snapLength = view.getUint32(4, littleEndian);
  const options = readOptions(view, 8, view.byteLength, littleEndian);
  const speed = number(options, IF_SPEED, littleEndian);
  const index = interfaces.push({
    linkType,
    snapLength,
    ticksPerSecond: resolution(options),
    offsetSeconds: BigInt.asIntN(64, number(options, IF_TSOFFSET, littleEndian) ?? 0n),
  });
  return {
    type: "interface",
    interface: index - 1,
    linkType,
    snapLength,
    comments: comments(options),
    ...text(options, IF_NAME, "name"),
    ...text(options, IF_DESCRIPTION, "description"),
    ...(speed === undefined ? {} : { speed: Number(speed) }),
  };
}

/** if_tsresol: the high bit chooses powers of two; the rest is the exponent. */
function resolution(options: readonly PcapngOption[]): bigint {
  const byte = options.find((option) => option.code === IF_TSRESOL)?.value[0];
  if (byte === undefined) return DEFAULT_TICKS_PER_SECOND;
  return (byte & 0x80) === 0 ? 10n ** BigInt(byte) : 2n ** BigInt(byte & 0x7f);
}

function readEnhancedPacket(view: DataView, section: SectionState): CapturedPacket | string {
  const { littleEndian } = section;
  if (view.byteLength < 20) return "enhanced packet block: shorter than its fixed part";
  return readPacket(view, section, {
    interface: view.getUint32(0, littleEndian),
    captured: view.getUint32(12, littleEndian),
    original: view.getUint32(16, littleEndian),
  });
}

/** Interface number and drop count share the first word; the rest is an enhanced packet block. */
function readObsoletePacket(view: DataView, section: SectionState): CapturedPacket | string {
  const { littleEndian } = section;
  if (view.byteLength < 20) return "packet block: shorter than its fixed part";
  return readPacket(view, section, {
    interface: view.getUint16(0, littleEndian),
    captured: view.getUint32(12, littleEndian),
    original: view.getUint32(16, littleEndian),
  });
}

function readPacket(
  view: DataView,
  { littleEndian, interfaces }: SectionState,
  fields: { interface: number; captured: number; original: number },
): CapturedPacket | string {
  const state = interfaces[fields.interface];
  if (state === undefined) return `packet of interface ${fields.interface}, which was not described`;
  if (20 + fields.captured > view.byteLength) return `packet of ${fields.captured} bytes in a shorter block`;
  const options = readOptions(view, 20 + padded(fields.captured), view.byteLength, littleEndian);
  const flags = Number(number(options, EPB_FLAGS, littleEndian) ?? 0n);
  const dropCount = number(options, EPB_DROPCOUNT, littleEndian);
  const direction = flags & 3;
  return {
    type: "packet",
    interface: fields.interface,
    linkType: state.linkType,
    time: timeOf(view.getUint32(4, littleEndian), view.getUint32(8, littleEndian), state),
    data: new Uint8Array(view.buffer, view.byteOffset + 20, fields.captured),
    originalLength: fields.original,
    comments: comments(options),
    crcError: (flags & EPB_ERROR_CRC) !== 0,
    ...(direction === EPB_DIRECTION_INBOUND ? { direction: "inbound" as const } : {}),
    ...(direction === EPB_DIRECTION_OUTBOUND ? { direction: "outbound" as const } : {}),
    ...(dropCount === undefined ? {} : { dropCount: Number(dropCount) }),
  };
}

/** A simple packet block has no length of what was kept: it follows from the block, the wire and the snap length. */
function readSimplePacket(view: DataView, { littleEndian, interfaces }: SectionState): CapturedPacket | string {
  const state = interfaces[0];
  if (state === undefined) return "simple packet block before any interface description";
  if (view.byteLength < 4) return "simple packet block: shorter than its fixed part";
  const originalLength = view.getUint32(0, littleEndian);
  const limit = state.snapLength === 0 ? originalLength : Math.min(state.snapLength, originalLength);
  if (4 + limit > view.byteLength) return `packet of ${limit} bytes in a shorter block`;
  return {
    type: "packet",
    interface: 0,
    linkType: state.linkType,
    time: undefined,
    data: new Uint8Array(view.buffer, view.byteOffset + 4, limit),
    originalLength,
    comments: [],
    crcError: false,
  };
}

function readNames(view: DataView, { littleEndian }: SectionState): CaptureEvent {
  const entries = [];
  for (const record of readOptions(view, 0, view.byteLength, littleEndian)) {
    const size = record.code === NRB_RECORD_IPV4 ? 4 : record.code === NRB_RECORD_IPV6 ? 16 : undefined;
    if (size === undefined || record.value.length < size) continue;
    const names = optionText({ code: 0, value: record.value.subarray(size) }).split("\0");
    entries.push({ address: record.value.slice(0, size), names: names.filter((name) => name !== "") });
  }
  return { type: "names", entries };
}

function readStatistics(view: DataView, { littleEndian }: SectionState): CaptureEvent | string {
  if (view.byteLength < 12) return "interface statistics block: shorter than its fixed part";
  const options = readOptions(view, 12, view.byteLength, littleEndian);
  const received = number(options, ISB_IFRECV, littleEndian);
  const dropped = number(options, ISB_IFDROP, littleEndian);
  return {
    type: "statistics",
    interface: view.getUint32(0, littleEndian),
    ...(received === undefined ? {} : { received: Number(received) }),
    ...(dropped === undefined ? {} : { dropped: Number(dropped) }),
  };
}

function timeOf(high: number, low: number, state: InterfaceState): CaptureTime {
  const ticks = (BigInt(high) << 32n) | BigInt(low);
  const nanos = ((ticks % state.ticksPerSecond) * NANOS) / state.ticksPerSecond;
  return { seconds: Number(ticks / state.ticksPerSecond + state.offsetSeconds), nanos: Number(nanos) };
}

function comments(options: readonly PcapngOption[]): string[] {
  return options.filter((option) => option.code === OPT_COMMENT).map(optionText);
}

function text<Key extends string>(options: readonly PcapngOption[], code: number, key: Key): { [K in Key]?: string } {
  const option = options.find((candidate) => candidate.code === code);
  return option === undefined ? {} : ({ [key]: optionText(option) } as { [K in Key]: string });
}

function number(options: readonly PcapngOption[], code: number, littleEndian: boolean): bigint | undefined {
  const option = options.find((candidate) => candidate.code === code);
  return option === undefined ? undefined : optionNumber(option, littleEndian);
}
