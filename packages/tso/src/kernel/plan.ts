import type { PacketMemory } from "@seville/core";

/*
 * What the splitting kernel is told, as words of the memory's scratch in the host's byte order. assembly/split.ts reads
 * the same offsets.
 *
 *   0  segments in this batch              64  2 IPv4 headers of 16 bytes: offset, first identification
 *   4  bytes of headers                    96  3 templates of 32 bytes: address of the headers, what is known of the
 *   8  checksum field, or NONE                 checksum, sum of each IPv4 header without its identification
 *  12  1: store 0 as 0xffff               192  128 targets: where each segment begins
 *  16  sequence field, or NONE            704  128 counts of pieces
 *  20  sequence number of the first      1216  1024 pieces of 8 bytes, in the order of the payload: address, bytes
 *  24  IPv4 headers to number            9408  the headers of the templates
 *  28  bytes of payload of each segment
 *  32  … but of the last one
 *  36  by how much an identification grows, and 40 by how much that of the first segment has grown
 *  44  template of the first segment, and 48 of the last one; the others use MIDDLE
 *  52  where the payload begins, or 0: it lies in pieces
 */
export const NONE = 0xffff_ffff;
export const MAX_BATCH = 128;
export const MAX_PIECES = 1024;
/** Longest chain of headers that is split off: Geneve with all its options in IPv6 with extension headers fits. */
export const MAX_HEADER_BYTES = 1024;

/** Templates: the first segment may have CWR, the last has its own length and flags. */
export const FIRST = 0;
export const MIDDLE = 1;
export const LAST = 2;
export type TemplateIndex = 0 | 1 | 2;

export const PLAN_IPS = 64;
export const PLAN_TEMPLATES = 96;
export const PLAN_TARGETS = 192;
export const PLAN_PIECE_COUNTS: number = PLAN_TARGETS + MAX_BATCH * 4;
export const PLAN_PIECES: number = PLAN_PIECE_COUNTS + MAX_BATCH * 4;
const HEADERS: number = PLAN_PIECES + MAX_PIECES * 8;
export const PLAN_BYTES: number = HEADERS + 3 * MAX_HEADER_BYTES;

/** One batch of a plan. */
export interface Batch {
  readonly count: number;
  /** Number of its first segment, and how many numbers each takes. */
  readonly first: number;
  readonly increment: number;
  /** Sequence number of its first segment. */
  readonly sequence: number;
  readonly size: number;
  readonly lastLength: number;
  readonly firstTemplate: TemplateIndex;
  readonly lastTemplate: TemplateIndex;
  /** Address of the payload, 0: in pieces. */
  readonly source: number;
}

/** The words of a plan by the names that the table above gives them. */
export class SplitPlan {
  readonly at: number;
  readonly words: Uint32Array;
  readonly #base: number;
  #ips = 0;
  #pieces = 0;

  constructor(memory: PacketMemory) {
    this.at = memory.reserve(PLAN_BYTES, 64);
    this.words = new Uint32Array(memory.buffer);
    this.#base = this.at >>> 2;
  }

  /** Says what all segments have in common. */
  begin(headerBytes: number, checksumField: number, mangleZero: boolean, sequenceField: number): void {
    const { words } = this;
    const base = this.#base;
    words[base + 1] = headerBytes;
    words[base + 2] = checksumField;
    words[base + 3] = mangleZero ? 1 : 0;
    words[base + 4] = sequenceField;
    words[base + 6] = 0;
    this.#ips = 0;
    this.#pieces = 0;
  }

  /** One more IPv4 header, `offset` bytes into the headers, whose identification begins with `first`. */
  addIp(offset: number, first: number): void {
    const word = this.#base + PLAN_IPS / 4 + this.#ips * 4;
    this.words[word] = offset;
    this.words[word + 1] = first;
    this.words[this.#base + 6] = ++this.#ips;
  }

  /** Where the headers of a template lie. */
  headersAt(template: TemplateIndex): number {
    return this.at + HEADERS + template * MAX_HEADER_BYTES;
  }

  /** @param known sum of everything under the checksum but the payload and the sequence number */
  setTemplate(template: TemplateIndex, known: number, firstIpSum: number, secondIpSum: number): void {
    const word = this.#base + PLAN_TEMPLATES / 4 + template * 8;
    this.words[word] = this.headersAt(template);
    this.words[word + 1] = known;
    this.words[word + 2] = firstIpSum;
    this.words[word + 3] = secondIpSum;
  }

  /** Makes `template` the same as `other`, headers and all. */
  copyTemplate(template: TemplateIndex, other: TemplateIndex): void {
    const from = this.#base + PLAN_TEMPLATES / 4 + other * 8;
    const to = this.#base + PLAN_TEMPLATES / 4 + template * 8;
    for (let i = 0; i < 4; i++) this.words[to + i] = this.words[from + i] as number;
  }

  /** Where the `count` segments of the batch begin: at the targets from `from` on. */
  setTargets(targets: ArrayLike<number>, from: number, count: number): void {
    const { words } = this;
    const base = this.#base + PLAN_TARGETS / 4;
    for (let i = 0; i < count; i++) words[base + i] = targets[from + i] as number;
  }

  setPieceCount(index: number, count: number): void {
    this.words[this.#base + PLAN_PIECE_COUNTS / 4 + index] = count;
  }

  /** Pieces that the batch has so far. */
  get pieces(): number {
    return this.#pieces;
  }

  addPiece(source: number, length: number): void {
    const word = this.#base + PLAN_PIECES / 4 + this.#pieces * 2;
    this.words[word] = source;
    this.words[word + 1] = length;
    this.#pieces++;
  }

  /** The targets and pieces are set: completes the batch, after which the plan can be carried out. */
  endBatch(batch: Batch): void {
    const { words } = this;
    const base = this.#base;
    words[base] = batch.count;
    words[base + 5] = batch.sequence;
    words[base + 7] = batch.size;
    words[base + 8] = batch.lastLength;
    words[base + 9] = batch.increment;
    words[base + 10] = batch.first;
    words[base + 11] = batch.firstTemplate;
    words[base + 12] = batch.lastTemplate;
    words[base + 13] = batch.source;
    this.#pieces = 0;
  }
}
