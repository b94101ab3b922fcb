import { LITTLE_ENDIAN } from "./byte-order.ts";
import { ALIGNTO, ATTRIBUTE_HEADER_BYTES, NLA_F_NESTED, NLA_TYPE_MASK, type NetlinkWriter } from "./writer.ts";

/** What is wrong with a message, as extended acknowledgements say it: a sentence, and where in the message. */
export interface WireProblem {
  readonly message: string;
  /** Offset of the attribute at fault in the view that was read. */
  readonly offset: number;
}

/** What a reading goes by, and what went wrong first. */
export interface Reading {
  /** As NETLINK_GET_STRICT_CHK: attributes unknown to the table, wrong lengths and trailing bytes are errors. */
  readonly strict: boolean;
  problem: WireProblem | undefined;
}

/** How the payload of one kind of attribute is read and written. */
export interface AttributeType<T> {
  /** Bytes that its payload may have. */
  readonly min: number;
  readonly max: number;
  /** Payloads that are attributes themselves carry NLA_F_NESTED. */
  readonly nested?: boolean;
  /** Reads `length` bytes at `at`, which are within `min` and `max`; `undefined` with `reading.problem` set: they make no sense. */
  read(view: DataView, at: number, length: number, reading: Reading): T | undefined;
  write(out: NetlinkWriter, value: T): void;
}

/** For each property of `T` its attribute number and how it is written. */
export type AttributeTable<T> = {
  readonly [Key in keyof T]-?: readonly [type: number, as: AttributeType<Exclude<T[Key], undefined>>];
};

interface CompiledTable {
  readonly byType: ReadonlyMap<number, readonly [key: string, as: AttributeType<unknown>]>;
}

const compiled = new WeakMap<object, CompiledTable>();

/**
 * Reads the attributes from `at` to `end` as `table` says. Numbers that the table does not hold are skipped, or are an
 * error where `reading` is strict; of one number that comes twice the last counts, as in the kernel (`__nla_parse`).
 */
export function readAttributes<T extends object>(
  table: AttributeTable<T>,
  view: DataView,
  at: number,
  end: number,
  reading: Reading,
): Partial<T> {
  const { byType } = compile(table);
  const result: Record<string, unknown> = {};
  while (end - at >= ATTRIBUTE_HEADER_BYTES) {
    const size = view.getUint16(at, LITTLE_ENDIAN);
    if (size < ATTRIBUTE_HEADER_BYTES || size > end - at) break;
    const type = view.getUint16(at + 2, LITTLE_ENDIAN) & NLA_TYPE_MASK;
    const known = byType.get(type);
    if (known !== undefined) {
      const [key, as] = known;
      const length = size - ATTRIBUTE_HEADER_BYTES;
      const value = readOne(as, view, at, length, reading);
      if (reading.problem !== undefined) return result as Partial<T>;
      result[key] = value;
    } else if (reading.strict) {
      fail(reading, "Unknown attribute type", at);
      return result as Partial<T>;
    }
    at += (size + ALIGNTO - 1) & ~(ALIGNTO - 1);
  }
  if (reading.strict && at < end) fail(reading, "bytes leftover after parsing attributes.", at);
  return result as Partial<T>;
}

function readOne(as: AttributeType<unknown>, view: DataView, at: number, length: number, reading: Reading): unknown {
  if (length < as.min || (length > as.max && reading.strict)) {
    fail(reading, "Attribute failed policy validation", at);
    return undefined;
  }
  // Longer than expected is an extension by somebody newer: the part that is known counts.
  return as.read(view, at + ATTRIBUTE_HEADER_BYTES, Math.min(length, as.max), reading);
}

/** Writes those attributes of `values` that are set, in the order of the table. */
export function writeAttributes<T extends object>(
  out: NetlinkWriter,
  table: AttributeTable<T>,
  values: Partial<T>,
): void {
  for (const [key, [type, as]] of Object.entries(table) as [keyof T, readonly [number, AttributeType<unknown>]][]) {
    const value = values[key];
    if (value === undefined || value === false) continue;
    out.attribute(as.nested === true ? type | NLA_F_NESTED : type, () => {
      as.write(out, value);
    });
  }
}

/** Notes the first problem. */
export function fail(reading: Reading, message: string, offset: number): void {
  reading.problem ??= { message, offset };
}

function compile(table: object): CompiledTable {
  let known = compiled.get(table);
  if (known === undefined) {
    const entries = Object.entries(table) as [string, readonly [number, AttributeType<unknown>]][];
    known = { byType: new Map(entries.map(([key, [type, as]]) => [type, [key, as] as const])) };
    compiled.set(table, known);
  }
  return known;
}
