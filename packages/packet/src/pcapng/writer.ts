import { invalidArgument, type DropReason, type Nanos } from "@seville/core";
import {
  BYTE_ORDER_MAGIC,
  ENHANCED_PACKET_BLOCK,
  EPB_DIRECTION_INBOUND,
  EPB_DIRECTION_OUTBOUND,
  EPB_ERROR_CRC,
  EPB_FLAGS,
  IF_DESCRIPTION,
  IF_MACADDR,
  IF_NAME,
  IF_SPEED,
  IF_TSRESOL,
  INTERFACE_DESCRIPTION_BLOCK,
  INTERFACE_STATISTICS_BLOCK,
  ISB_IFDROP,
  ISB_IFRECV,
  LINKTYPE_ETHERNET,
  NAME_RESOLUTION_BLOCK,
  NRB_RECORD_END,
  NRB_RECORD_IPV4,
  NRB_RECORD_IPV6,
  OPT_COMMENT,
  padded,
  SECTION_HEADER_BLOCK,
  SHB_HARDWARE,
  SHB_OS,
  SHB_USERAPPL,
} from "./format.ts";
import {
  byteOption,
  optionsLength,
  textOption,
  uint32Option,
  uint64Option,
  writeOptions,
  type PcapngOption,
} from "./options.ts";

/** Takes a piece of the file. The piece is the sink's to keep. */
export type ByteSink = (chunk: Uint8Array) => void;

export interface PcapngWriterOptions {
  /** Seconds since 1970 at which the world's time 0 stands. Default 0. */
  readonly epochSeconds?: number;
  /** The program that writes (shb_userappl). */
  readonly application?: string;
  readonly hardware?: string;
  readonly os?: string;
  readonly comment?: string;
  /** Bytes to gather before the sink is called. Default 64 KiB. */
  readonly chunkBytes?: number;
}

/** What the file says of an interface. */
export interface CaptureInterfaceOptions {
  readonly name?: string;
  readonly description?: string;
  /** LINKTYPE_ value. Default Ethernet. */
  readonly linkType?: number;
  /** Bytes kept of each packet, 0: all. */
  readonly snapLength?: number;
  /** Six bytes. */
  readonly macAddress?: Uint8Array;
  /** Bits per second. */
  readonly speed?: number;
}

export interface CapturePacketOptions {
  /** Number that {@link PcapngWriter.addInterface} gave. */
  readonly interface: number;
  readonly time: Nanos;
  readonly data: Uint8Array;
  /** Bytes that were on the wire, if more than `data`. */
  readonly originalLength?: number;
  readonly direction?: "inbound" | "outbound";
  readonly comment?: string;
  /** The packet went no further: stands in a comment as `dropped: REASON`. */
  readonly dropReason?: DropReason;
  /** The frame's check sequence was wrong. */
  readonly crcError?: boolean;
}

const NANOSECOND_RESOLUTION = 9;
const TWO_32 = 4_294_967_296;
const NO_OPTIONS: readonly PcapngOption[] = [];
const EMPTY = new Uint8Array(0);

/**
 * Writes a pcapng file: one section, little-endian, any number of interfaces, nanosecond timestamps.
 *
 * Equal calls give equal bytes. Nothing is written by time or chance.
 */
export class PcapngWriter {
  readonly #sink: ByteSink;
  readonly #chunkBytes: number;
  readonly #epochHigh: number;
  readonly #epochLow: number;
  readonly #snapLengths: number[] = [];
  #u8: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #used = 0;
  #packets = 0;

  constructor(sink: ByteSink, options: PcapngWriterOptions = {}) {
    const epochSeconds = options.epochSeconds ?? 0;
    if (!Number.isSafeInteger(epochSeconds) || epochSeconds < 0) {
      throw invalidArgument("epochSeconds", "a whole number of seconds since 1970", epochSeconds);
    }
    const epoch = BigInt(epochSeconds) * 1_000_000_000n;
    this.#epochHigh = Number(epoch >> 32n);
    this.#epochLow = Number(epoch & 0xffff_ffffn);
    this.#sink = sink;
    this.#chunkBytes = options.chunkBytes ?? 65_536;
    this.#u8 = new Uint8Array(this.#chunkBytes);
    this.#view = new DataView(this.#u8.buffer);
    this.#writeSectionHeader(options);
  }

  /** Packets written. */
  get packets(): number {
    return this.#packets;
  }

  /** Describes one more interface and returns its number, 0 for the first. */
  addInterface(options: CaptureInterfaceOptions = {}): number {
    const list: PcapngOption[] = [];
    if (options.name !== undefined) list.push(textOption(IF_NAME, options.name));
    if (options.description !== undefined) list.push(textOption(IF_DESCRIPTION, options.description));
    if (options.macAddress !== undefined) {
      if (options.macAddress.length !== 6) throw invalidArgument("macAddress", "six bytes", options.macAddress.length);
      list.push({ code: IF_MACADDR, value: options.macAddress });
    }
    if (options.speed !== undefined) list.push(uint64Option(IF_SPEED, BigInt(Math.round(options.speed))));
    list.push(byteOption(IF_TSRESOL, NANOSECOND_RESOLUTION));
    const at = this.#begin(INTERFACE_DESCRIPTION_BLOCK, 8 + optionsLength(list));
    this.#view.setUint16(at, options.linkType ?? LINKTYPE_ETHERNET, true);
    this.#view.setUint16(at + 2, 0, true);
    this.#view.setUint32(at + 4, options.snapLength ?? 0, true);
    this.#end(writeOptions(this.#view, this.#u8, at + 8, list));
    return this.#snapLengths.push(options.snapLength ?? 0) - 1;
  }

  packet(packet: CapturePacketOptions): void {
    const options = packetOptions(packet);
    const snapLength = this.#snapLengths[packet.interface];
    if (snapLength === undefined) {
      throw invalidArgument("interface", "a number that addInterface gave", packet.interface);
    }
    const kept = snapLength === 0 ? packet.data.length : Math.min(snapLength, packet.data.length);
    const at = this.#begin(ENHANCED_PACKET_BLOCK, 20 + padded(kept) + optionsLength(options));
    this.#view.setUint32(at, packet.interface, true);
    this.#writeTime(at + 4, packet.time);
    this.#view.setUint32(at + 12, kept, true);
    this.#view.setUint32(at + 16, packet.originalLength ?? packet.data.length, true);
    this.#u8.set(kept === packet.data.length ? packet.data : packet.data.subarray(0, kept), at + 20);
    this.#u8.fill(0, at + 20 + kept, at + 20 + padded(kept));
    this.#end(writeOptions(this.#view, this.#u8, at + 20 + padded(kept), options));
    this.#packets++;
  }

  /** Names for addresses (4 or 16 bytes, network order), which Wireshark shows instead of them. */
  names(entries: readonly { readonly address: Uint8Array; readonly name: string }[]): void {
    const records = entries.map(({ address, name }) => {
      if (address.length !== 4 && address.length !== 16) {
        throw invalidArgument("address", "4 or 16 bytes", address.length);
      }
      const text = new TextEncoder().encode(`${name}\0`);
      const value = new Uint8Array(address.length + text.length);
      value.set(address);
      value.set(text, address.length);
      return { code: address.length === 4 ? NRB_RECORD_IPV4 : NRB_RECORD_IPV6, value };
    });
    // Records have the shape of options, and so has their end mark (nrb_record_end).
    const at = this.#begin(NAME_RESOLUTION_BLOCK, Math.max(4, optionsLength(records)));
    let end = writeOptions(this.#view, this.#u8, at, records);
    if (records.length === 0) {
      this.#view.setUint32(end, NRB_RECORD_END, true);
      end += 4;
    }
    this.#end(end);
  }

  /** Closes an interface's account: packets it received, and packets dropped for want of resources. */
  interfaceStatistics(statistics: { interface: number; time: Nanos; received: number; dropped: number }): void {
    const options = [
      uint64Option(ISB_IFRECV, BigInt(statistics.received)),
      uint64Option(ISB_IFDROP, BigInt(statistics.dropped)),
    ];
    const at = this.#begin(INTERFACE_STATISTICS_BLOCK, 12 + optionsLength(options));
    this.#view.setUint32(at, statistics.interface, true);
    this.#writeTime(at + 4, statistics.time);
    this.#end(writeOptions(this.#view, this.#u8, at + 12, options));
  }

  /** Hands what is gathered to the sink. Call it last; more may follow. */
  flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#u8.subarray(0, this.#used));
    this.#u8 = new Uint8Array(this.#chunkBytes);
    this.#view = new DataView(this.#u8.buffer);
    this.#used = 0;
  }

  #writeSectionHeader(options: PcapngWriterOptions): void {
    const list: PcapngOption[] = [];
    if (options.hardware !== undefined) list.push(textOption(SHB_HARDWARE, options.hardware));
    if (options.os !== undefined) list.push(textOption(SHB_OS, options.os));
    if (options.application !== undefined) list.push(textOption(SHB_USERAPPL, options.application));
    if (options.comment !== undefined) list.push(textOption(OPT_COMMENT, options.comment));
    const at = this.#begin(SECTION_HEADER_BLOCK, 16 + optionsLength(list));
    this.#view.setUint32(at, BYTE_ORDER_MAGIC, true);
    this.#view.setUint16(at + 4, 1, true);
    this.#view.setUint16(at + 6, 0, true);
    // Section length -1: not stated.
    this.#view.setUint32(at + 8, 0xffff_ffff, true);
    this.#view.setUint32(at + 12, 0xffff_ffff, true);
    this.#end(writeOptions(this.#view, this.#u8, at + 16, list));
  }

  /** High word first, whatever the byte order of the words. Two words added by hand: the sum passes 2^53. */
  #writeTime(at: number, time: Nanos): void {
    const low = this.#epochLow + (time % TWO_32);
    const high = this.#epochHigh + Math.floor(time / TWO_32) + (low >= TWO_32 ? 1 : 0);
    this.#view.setUint32(at, high, true);
    this.#view.setUint32(at + 4, low >>> 0, true);
  }

  /** Makes room for a block and returns where its body begins. */
  #begin(type: number, bodyLength: number): number {
    const total = bodyLength + 12;
    if (this.#used + total > this.#u8.length) {
      this.flush();
      if (total > this.#u8.length) {
        this.#u8 = new Uint8Array(total);
        this.#view = new DataView(this.#u8.buffer);
      }
    }
    this.#view.setUint32(this.#used, type, true);
    this.#view.setUint32(this.#used + 4, total, true);
    return this.#used + 8;
  }

  #end(at: number): void {
    this.#view.setUint32(at, at + 4 - this.#used, true);
    this.#used = at + 4;
  }
}

/** A whole file in memory: runs `write` with a writer and returns the bytes. */
export function pcapngBytes(write: (writer: PcapngWriter) => void, options?: PcapngWriterOptions): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => void chunks.push(chunk), options);
  write(writer);
  writer.flush();
  const file = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return chunks.length === 0 ? EMPTY : file;
}

function packetOptions(packet: CapturePacketOptions): readonly PcapngOption[] {
  const { comment, dropReason, direction, crcError } = packet;
  if (comment === undefined && dropReason === undefined && direction === undefined && crcError !== true) {
    return NO_OPTIONS;
  }
  const options: PcapngOption[] = [];
  if (comment !== undefined) options.push(textOption(OPT_COMMENT, comment));
  if (dropReason !== undefined) options.push(textOption(OPT_COMMENT, `dropped: ${dropReason}`));
  let flags = crcError === true ? EPB_ERROR_CRC : 0;
  if (direction !== undefined) flags |= direction === "inbound" ? EPB_DIRECTION_INBOUND : EPB_DIRECTION_OUTBOUND;
  if (flags !== 0) options.push(uint32Option(EPB_FLAGS, flags));
  return options;
}
