import type { PacketMemory } from "@seville/core";

/*
 * What the splitting kernel is told, as words of the memory's scratch in the host's byte order. assembly/split.ts reads
 * the same offsets.
 *
 *   0  segments in this batch        96  3 templates of 32 bytes: address of the headers, what is known of the sum,
 *   4  bytes of headers                  sum of each IPv4 header without its identification
 *   8  checksum field, or NONE      192  128 segments of 32 bytes: target, bytes of payload, its address or that of its
 *  12  1: store 0 as 0xffff              pieces, how many pieces, template, offset of the payload, increment of the
 *  16  sequence field, or NONE           identification
 *  20  sequence number of the first      behind them 1024 pieces of 8 bytes: address, bytes
 *  24  IPv4 headers to number            behind them the headers of the templates
 *  32  4 of them, 16 bytes each: offset, first identification
 */
export const NONE = 0xffff_ffff;
export const MAX_BATCH = 128;
export const MAX_PIECES = 1024;
/** Longest chain of headers that is split off: Geneve with all its options in IPv6 with extension headers fits. */
export const MAX_HEADER_BYTES = 1024;
/** IPv4 headers in a chain: a tunnel describes two levels. */
export const MAX_IPS = 2;

/** Templates: the first segment may have CWR, the last has its own length and flags. */
export const FIRST = 0;
export const MIDDLE = 1;
export const LAST = 2;
export type TemplateIndex = 0 | 1 | 2;

const SEGMENTS = 192;
const SEGMENT_BYTES = 32;
const PIECES = SEGMENTS + MAX_BATCH * SEGMENT_BYTES;
const HEADERS = PIECES + MAX_PIECES * 8;
export const PLAN_BYTES: number = HEADERS + 3 * MAX_HEADER_BYTES;

/** The words of a plan by the names that the table above gives them. All values are unsigned. */
export class SplitPlan {
  readonly at: number;
  readonly words: Uint32Array;
  readonly #base: number;
  #pieces = 0;

  constructor(memory: PacketMemory) {
    this.at = memory.reserve(PLAN_BYTES, 64);
    this.words = new Uint32Array(memory.buffer);
    this.#base = this.at >>> 2;
  }

  /** Says what all segments have in common, and begins with no segment. */
  begin(headerBytes: number, checksumField: number, mangleZero: boolean): void {
    const { words } = this;
    const base = this.#base;
    words[base] = 0;
    words[base + 1] = headerBytes;
    words[base + 2] = checksumField;
    words[base + 3] = mangleZero ? 1 : 0;
    words[base + 4] = NONE;
    words[base + 5] = 0;
    words[base + 6] = 0;
    this.#pieces = 0;
  }

  setSequence(field: number, first: number): void {
    this.words[this.#base + 4] = field;
    this.words[this.#base + 5] = first;
  }

  /** One more IPv4 header, `offset` bytes into the headers, whose identification is `first` plus the increment. */
  addIp(offset: number, first: number): void {
    const index = this.words[this.#base + 6] as number;
    const word = this.#base + 8 + index * 4;
    this.words[word] = offset;
    this.words[word + 1] = first;
    this.words[this.#base + 6] = index + 1;
  }

  /** Where the headers of a template lie. */
  headersAt(template: TemplateIndex): number {
    return this.at + HEADERS + template * MAX_HEADER_BYTES;
  }

  /** @param known sum of everything under the checksum but the payload and the sequence number */
  setTemplate(template: TemplateIndex, known: number, firstIpSum: number, secondIpSum: number): void {
    const word = this.#base + 24 + template * 8;
    this.words[word] = this.headersAt(template);
    this.words[word + 1] = known;
    this.words[word + 2] = firstIpSum;
    this.words[word + 3] = secondIpSum;
  }

  get segments(): number {
    return this.words[this.#base] as number;
  }

  get pieces(): number {
    return this.#pieces;
  }

  /** Forgets the segments of the last batch. */
  nextBatch(): void {
    this.words[this.#base] = 0;
    this.#pieces = 0;
  }

  /**
   * One more segment at `target`. Its payload begins `offset` bytes into the whole one.
   * @param source address of the payload, or of its first piece (see {@link addPiece})
   */
  addSegment(
    target: number,
    length: number,
    source: number,
    pieces: number,
    template: TemplateIndex,
    offset: number,
    increment: number,
  ): void {
    const { words } = this;
    const index = words[this.#base] as number;
    const word = this.#base + SEGMENTS / 4 + index * (SEGMENT_BYTES / 4);
    words[word] = target;
    words[word + 1] = length;
    words[word + 2] = source;
    words[word + 3] = pieces;
    words[word + 4] = template;
    words[word + 5] = offset;
    words[word + 6] = increment;
    words[this.#base] = index + 1;
  }

  /** One more piece; answers its address. */
  addPiece(source: number, length: number): number {
    const at = this.at + PIECES + this.#pieces * 8;
    this.words[at >>> 2] = source;
    this.words[(at >>> 2) + 1] = length;
    this.#pieces++;
    return at;
  }
}
