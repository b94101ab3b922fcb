import { fold, sum, type PartialSum } from "@seville/checksum";
import { formatIpv4 } from "../address/ipv4.ts";
import { readIpv6 } from "../address/ipv6.ts";
import { formatMac, readMac } from "../address/mac.ts";
import type { HeaderFault } from "../header/fault.ts";
import type { DissectorTable, DissectorTables } from "./tables.ts";
import { MALFORMED, type FieldNode, type FieldValue } from "./tree.ts";

/** How a number is shown. */
export interface FieldStyle {
  /** With as many hexadecimal digits as the field has. */
  readonly hex?: boolean | undefined;
  /** What numbers stand for. */
  readonly names?: Readonly<Record<number, string>> | undefined;
  /** Behind the number: " ms". */
  readonly unit?: string | undefined;
}

/** Sums the pseudo-header around a transport header, for `length` bytes of it. */
export type PseudoHeader = (protocol: number, length: number) => PartialSum;

export interface DissectionLimits {
  readonly maxDepth: number;
  readonly maxNodes: number;
}

interface MutableNode extends FieldNode {
  readonly children: MutableNode[];
}

/** What `checksum.status` fields hold (Wireshark's `proto_checksum_enum`). */
const STATUS_BAD = 0;
const STATUS_GOOD = 1;
const STATUS_UNVERIFIED = 2;
const STATUS_NOT_PRESENT = 3;
const STATUS_NAMES = ["Bad", "Good", "Unverified", "Not present"];

/**
 * One dissection on its way: what a dissector writes the tree with. Nothing is read outside the bytes: a field that does
 * not fit becomes an error node and reads as 0. Beyond the limits of depth and nodes nothing is added, {@link full} is
 * true, and loops should end.
 */
export class Dissection {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly root: FieldNode;
  /** The pseudo-header for checksums, where the whole payload of the IP packet is there. */
  pseudoHeader: PseudoHeader | undefined = undefined;
  /** Inside a first fragment or an error message, where a packet that is cut short is no error. */
  isPartial = false;
  /** Set by a network protocol: where its packet ends and padding begins. */
  packetEnd: number | undefined = undefined;
  readonly #tables: DissectorTables;
  readonly #limits: DissectionLimits;
  #parent: MutableNode;
  #depth = 0;
  #nodes = 0;
  #full = false;

  constructor(bytes: Uint8Array, tables: DissectorTables, limits: DissectionLimits) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#tables = tables;
    this.#limits = limits;
    this.#parent = makeNode("Frame", "frame", undefined, undefined, 0, bytes.length);
    this.root = this.#parent;
  }

  /** No more nodes are added. */
  get full(): boolean {
    return this.#full;
  }

  /** A heading over what `body` adds. Returns its node, for {@link within}. */
  group(name: string, abbreviation: string, at: number, length: number, body: () => void): FieldNode {
    const fits = Math.max(0, Math.min(length, this.bytes.length - at));
    const node = this.#add(name, abbreviation, undefined, undefined, at, fits);
    this.#run(node, body);
    return node;
  }

  /** Adds what `body` adds below the field that was added last: the bits of a number. */
  below(body: () => void): void {
    const last = this.#parent.children.at(-1);
    if (last !== undefined && last.abbreviation !== MALFORMED) this.#run(last, body);
  }

  /** More children for a node of before. */
  within(node: FieldNode, body: () => void): void {
    this.#run(node as MutableNode, body);
  }

  /** An unsigned number of 1 to 4 bytes. Returns it. */
  uint(name: string, abbreviation: string, at: number, length: number, style: FieldStyle = {}): number {
    if (!this.#fits(at, length)) return 0;
    const value = this.#read(at, length);
    this.#add(name, abbreviation, value, displayOf(value, length * 2, style), at, length);
    return value;
  }

  /** The bits of `mask` of the number of `length` bytes at `at`, shifted down. Returns them. */
  bits(name: string, abbreviation: string, at: number, length: number, mask: number, style: FieldStyle = {}): number {
    if (!this.#fits(at, length)) return 0;
    const shift = 31 - Math.clz32(mask & -mask);
    const value = ((this.#read(at, length) & mask) >>> shift) >>> 0;
    const digits = Math.ceil((32 - Math.clz32(mask >>> shift)) / 4);
    this.#add(name, abbreviation, value, displayOf(value, digits, style), at, length);
    return value;
  }

  /** One bit. Returns it. */
  flag(name: string, abbreviation: string, at: number, length: number, mask: number): boolean {
    if (!this.#fits(at, length)) return false;
    const value = (this.#read(at, length) & mask) !== 0;
    this.#add(name, abbreviation, value, value ? "Set" : "Not set", at, length);
    return value;
  }

  mac(name: string, abbreviation: string, at: number): void {
    if (this.#fits(at, 6)) this.#add(name, abbreviation, formatMac(readMac(this.view, at)), undefined, at, 6);
  }

  ipv4(name: string, abbreviation: string, at: number): void {
    if (this.#fits(at, 4)) this.#add(name, abbreviation, formatIpv4(this.view.getUint32(at)), undefined, at, 4);
  }

  ipv6(name: string, abbreviation: string, at: number): void {
    if (this.#fits(at, 16)) this.#add(name, abbreviation, readIpv6(this.view, at).toString(), undefined, at, 16);
  }

  /** Bytes as they are. */
  raw(name: string, abbreviation: string, at: number, length: number): void {
    if (this.#fits(at, length)) this.#add(name, abbreviation, this.bytes.slice(at, at + length), undefined, at, length);
  }

  /** Something that was worked out. */
  derived(name: string, abbreviation: string, at: number, value: FieldValue, display?: string): void {
    this.#add(name, abbreviation, value, display, at, 0);
  }

  /** A field whose value has its own form. */
  value(name: string, abbreviation: string, at: number, length: number, value: FieldValue, display?: string): void {
    if (this.#fits(at, length)) this.#add(name, abbreviation, value, display, at, length);
  }

  /** What is wrong with the bytes at `at`. */
  malformed(at: number, fault: HeaderFault): void {
    const offset = Math.min(at, this.bytes.length);
    this.#add("Malformed Packet", MALFORMED, fault, undefined, offset, 0);
  }

  /** What nobody dissects. */
  data(at: number, end: number): void {
    if (at >= end) return;
    this.group("Data", "data", at, end - at, () => {
      this.raw("Data", "data.data", at, end - at);
      this.derived("Length", "data.len", at, end - at);
    });
  }

  /**
   * The 16-bit Internet checksum field at `at`, and its status: whether `from` to `end` with `seed` sums to it.
   * `seed` undefined: it cannot be verified.
   */
  checksum(prefix: string, name: string, at: number, from: number, end: number, seed: PartialSum | undefined): void {
    this.uint(name, `${prefix}.checksum`, at, 2, { hex: true });
    let status = STATUS_UNVERIFIED;
    if (seed !== undefined && end <= this.bytes.length) {
      status = fold(sum(this.bytes.subarray(from, end), seed)) === 0xffff ? STATUS_GOOD : STATUS_BAD;
    }
    this.#status(prefix, at, status);
  }

  /** A checksum field that says that there is none. */
  noChecksum(prefix: string, name: string, at: number): void {
    this.uint(name, `${prefix}.checksum`, at, 2, { hex: true });
    this.#status(prefix, at, STATUS_NOT_PRESENT);
  }

  /** Hands `at` to `end` to the dissector that `table` has for `key`. Without one it is {@link data}. */
  dispatch(table: DissectorTable, key: number, at: number, end: number): void {
    if (!this.tryDispatch(table, key, at, end)) this.data(at, end);
  }

  /** As {@link dispatch}, but `false` and nothing done if there is no dissector. */
  tryDispatch(table: DissectorTable, key: number, at: number, end: number): boolean {
    const dissector = this.#tables[table]?.[key];
    if (dissector === undefined) return false;
    if (this.#depth >= this.#limits.maxDepth) {
      this.malformed(at, "too-many");
      return true;
    }
    this.#depth++;
    dissector(this, at, Math.min(end, this.bytes.length));
    this.#depth--;
    return true;
  }

  #status(prefix: string, at: number, status: number): void {
    this.derived("Checksum Status", `${prefix}.checksum.status`, at, status, STATUS_NAMES[status]);
  }

  #run(node: MutableNode, body: () => void): void {
    const parent = this.#parent;
    this.#parent = node;
    body();
    this.#parent = parent;
  }

  #fits(at: number, length: number): boolean {
    if (at + length <= this.bytes.length) return true;
    // One error says it for all the fields that follow.
    if (this.#parent.children.at(-1)?.abbreviation !== MALFORMED) this.malformed(at, "truncated");
    return false;
  }

  #read(at: number, length: number): number {
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + (this.bytes[at + i] as number);
    return value;
  }

  #add(
    name: string,
    abbreviation: string,
    value: FieldValue | undefined,
    display: string | undefined,
    at: number,
    length: number,
  ): MutableNode {
    const node = makeNode(name, abbreviation, value, display, at, length);
    if (this.#full) return node;
    this.#nodes++;
    if (this.#nodes > this.#limits.maxNodes) {
      this.#full = true;
      this.#parent.children.push(makeNode("Malformed Packet", MALFORMED, "too-many", undefined, at, 0));
      return node;
    }
    this.#parent.children.push(node);
    return node;
  }
}

function makeNode(
  name: string,
  abbreviation: string,
  value: FieldValue | undefined,
  display: string | undefined,
  offset: number,
  length: number,
): MutableNode {
  return { name, abbreviation, value, display, offset, length, children: [] };
}

function displayOf(value: number, digits: number, style: FieldStyle): string | undefined {
  const number = style.hex === true ? `0x${value.toString(16).padStart(digits, "0")}` : String(value);
  const name = style.names?.[value];
  if (name !== undefined) return `${name} (${number})`;
  if (style.unit !== undefined) return number + style.unit;
  return style.hex === true ? number : undefined;
}
