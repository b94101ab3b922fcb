import { invalidArgument } from "@seville/core";
import { readBlock, type SectionState } from "./blocks.ts";
import type { CaptureEvent } from "./events.ts";
import { BYTE_ORDER_MAGIC, SECTION_HEADER_BLOCK } from "./format.ts";
import {
  PCAP_FILE_HEADER,
  pcapByteOrder,
  pcapOpening,
  pcapRecordLength,
  readPcapHeader,
  readPcapRecord,
} from "./pcap.ts";
import type { PcapState } from "./pcap.ts";

export interface CaptureReaderOptions {
  /** Longest block or record that is believed, in bytes. Default 16 MiB; a longer one ends the reading. */
  readonly maxBlockBytes?: number;
}

const DEFAULT_MAX_BLOCK_BYTES = 16 * 1024 * 1024;
const BLOCK_HEADER = 8;
const BLOCK_OVERHEAD = 12;

/**
 * Reads pcapng and classic pcap, told apart by their first bytes, in any byte order, from pieces of any size.
 *
 * Give it the file with {@link CaptureReader.push} and take events with {@link CaptureReader.next}; after the last piece
 * call {@link CaptureReader.end} and take the rest. It never throws for what is in the file: that is an `error` event.
 * It holds no more than one block and what was pushed and not yet taken.
 */
export class CaptureReader {
  readonly #maxBlockBytes: number;
  readonly #ready: CaptureEvent[] = [];
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Bytes of the file before the buffer's first. */
  #before = 0;
  #pcap: PcapState | undefined;
  #section: SectionState | undefined;
  #ended = false;
  #done = false;

  constructor(options: CaptureReaderOptions = {}) {
    this.#maxBlockBytes = options.maxBlockBytes ?? DEFAULT_MAX_BLOCK_BYTES;
    if (!(this.#maxBlockBytes >= 1024)) throw invalidArgument("maxBlockBytes", "at least 1024", this.#maxBlockBytes);
  }

  /** The next piece of the file. It is copied only where it must be joined to what is left of the piece before. */
  push(piece: Uint8Array): void {
    if (this.#done) return;
    const left = this.#buffer.length - this.#at;
    this.#before += this.#at;
    if (left === 0) {
      this.#buffer = piece;
    } else {
      const joined = new Uint8Array(left + piece.length);
      joined.set(this.#buffer.subarray(this.#at));
      joined.set(piece, left);
      this.#buffer = joined;
    }
    this.#at = 0;
  }

  /** No more pieces: what is left over will be reported as a truncated file. */
  end(): void {
    this.#ended = true;
  }

  /** The next event; `undefined`: push more, or all has been read. */
  next(): CaptureEvent | undefined {
    for (;;) {
      const event = this.#ready.shift();
      if (event !== undefined) return event;
      if (this.#done || !this.#advance()) return undefined;
    }
  }

  /** Reads one block or record. Returns whether anything was done. */
  #advance(): boolean {
    const left = this.#buffer.length - this.#at;
    const need = this.#needed(left);
    if (this.#done) return true;
    if (left >= need) {
      this.#take(need);
      return true;
    }
    if (!this.#ended) return false;
    this.#done = true;
    if (left === 0 && this.#before + this.#at > 0) return false;
    this.#error(
      this.#before + this.#buffer.length === 0
        ? "an empty file"
        : `the file ends within a ${this.#pcap === undefined ? "block" : "record"}: ${left} bytes are there`,
      true,
    );
    return true;
  }

  /** Bytes that must be there to go on: of the next block or record whole, once enough is there to tell. */
  #needed(left: number): number {
    if (this.#pcap !== undefined) {
      const { recordHeader } = this.#pcap;
      if (left < recordHeader) return recordHeader;
      return this.#believe(recordHeader + pcapRecordLength(this.#view(recordHeader), this.#pcap), "record");
    }
    if (left < BLOCK_OVERHEAD) return BLOCK_OVERHEAD;
    const head = this.#view(BLOCK_OVERHEAD);
    if (head.getUint32(0, true) === SECTION_HEADER_BLOCK) {
      const littleEndian = head.getUint32(8, true) === BYTE_ORDER_MAGIC;
      if (!littleEndian && head.getUint32(8, false) !== BYTE_ORDER_MAGIC) return this.#fail("bad byte-order magic");
      return this.#blockLength(head.getUint32(4, littleEndian));
    }
    if (this.#section !== undefined) return this.#blockLength(head.getUint32(4, this.#section.littleEndian));
    if (pcapByteOrder(head) !== undefined) return PCAP_FILE_HEADER;
    return this.#fail("neither pcapng nor pcap: the first bytes are no known magic number");
  }

  #blockLength(length: number): number {
    if (length < BLOCK_OVERHEAD) return this.#fail(`a block of ${length} bytes, less than its own frame`);
    // The total length counts the padding, but some writers forget: what they wrote is padded all the same.
    return this.#believe((length + 3) & ~3, "block");
  }

  #believe(length: number, what: string): number {
    if (length <= this.#maxBlockBytes && length > 0) return length;
    return this.#fail(`a ${what} of ${length >>> 0} bytes, more than the ${this.#maxBlockBytes} that are believed`);
  }

  #fail(message: string): number {
    this.#error(message, true);
    this.#done = true;
    return 0;
  }

  #error(message: string, fatal: boolean): void {
    this.#ready.push({ type: "error", offset: this.#before + this.#at, message, fatal });
  }

  #view(length: number): DataView {
    return new DataView(this.#buffer.buffer, this.#buffer.byteOffset + this.#at, length);
  }

  #take(length: number): void {
    const view = this.#view(length);
    if (this.#pcap !== undefined) {
      this.#ready.push(readPcapRecord(view, this.#pcap));
    } else {
      this.#takeBlockOrPcapHeader(view);
    }
    this.#at += length;
  }

  #takeBlockOrPcapHeader(view: DataView): void {
    const isSection = view.getUint32(0, true) === SECTION_HEADER_BLOCK;
    if (!isSection && this.#section === undefined) {
      const order = pcapByteOrder(view);
      if (order === undefined) return;
      this.#pcap = readPcapHeader(view, order.littleEndian, order.magic);
      this.#ready.push(...pcapOpening(this.#pcap));
      return;
    }
    if (isSection) this.#section = { littleEndian: view.getUint32(8, true) === BYTE_ORDER_MAGIC, interfaces: [] };
    const section = this.#section as SectionState;
    const type = view.getUint32(0, section.littleEndian);
    const length = view.getUint32(4, section.littleEndian);
    if (view.getUint32(view.byteLength - 4, section.littleEndian) !== length) {
      this.#error("a block's two lengths differ", false);
    }
    const body = new DataView(view.buffer, view.byteOffset + BLOCK_HEADER, view.byteLength - BLOCK_OVERHEAD);
    const event = readBlock(type, body, section);
    if (typeof event === "string") this.#error(event, false);
    else if (event !== undefined) this.#ready.push(event);
  }
}

/** All events of a file that is in memory. */
export function* readCapture(file: Uint8Array, options?: CaptureReaderOptions): Generator<CaptureEvent, void> {
  const reader = new CaptureReader(options);
  reader.push(file);
  reader.end();
  for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
}

/** All events of a file that arrives in pieces, as from a stream. */
export async function* readCaptureStream(
  pieces: AsyncIterable<Uint8Array>,
  options?: CaptureReaderOptions,
): AsyncGenerator<CaptureEvent, void> {
  const reader = new CaptureReader(options);
  for await (const piece of pieces) {
    reader.push(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
  }
  reader.end();
  for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
}
