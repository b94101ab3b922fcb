import type { AttributeType } from "./attribute.ts";
import { LITTLE_ENDIAN, readU64 } from "./byte-order.ts";
import type { NetlinkWriter } from "./writer.ts";

/** A field of a C struct: its width and sign. They follow each other without gaps; padding is a field `pad…`. */
export type FieldType = "u8" | "u16" | "u32" | "s32" | "u64";

const WIDTH: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8 };

/** A C struct of numbers. */
export interface Struct<T> {
  /** Bytes. */
  readonly size: number;
  /** Reads it; fields behind `length` (an older kernel's struct is shorter) are 0. */
  read(view: DataView, at: number, length?: number): T;
  write(out: NetlinkWriter, value: Partial<T>): void;
}

/** The struct of `fields`, in their order. Fields whose name begins with `pad` are zeros and not in the object. */
export function struct<T extends object>(fields: readonly (readonly [name: string, type: FieldType])[]): Struct<T> {
  const size = fields.reduce((sum, [, type]) => sum + WIDTH[type], 0);
  return {
    size,
    read: (view, from, length = size) => {
      const value: Record<string, number> = {};
      let at = from;
      for (const [name, type] of fields) {
        const isThere = at + WIDTH[type] <= from + length;
        if (!name.startsWith("pad")) value[name] = isThere ? readField(view, at, type) : 0;
        at += WIDTH[type];
      }
      return value as T;
    },
    write: (out, value) => {
      for (const [name, type] of fields) writeField(out, type, (value as Record<string, number>)[name] ?? 0);
    },
  };
}

/** A struct as the payload of an attribute. Newer kernels append fields: longer is fine, and so is as short as `min`. */
export function structAttribute<T extends object>(of: Struct<T>, min: number = of.size): AttributeType<T> {
  return {
    min,
    max: of.size,
    read: (view, at, length) => of.read(view, at, length),
    write: (out, value) => of.write(out, value),
  };
}

/** Structs behind each other in one attribute. */
export function structArray<T extends object>(of: Struct<T>): AttributeType<readonly T[]> {
  return {
    min: 0,
    max: 0xffff,
    read: (view, at, length) =>
      Array.from({ length: Math.floor(length / of.size) }, (_, i) => of.read(view, at + i * of.size)),
    write: (out, values) => {
      for (const value of values) of.write(out, value);
    },
  };
}

function readField(view: DataView, at: number, type: FieldType): number {
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, LITTLE_ENDIAN);
    case "u32":
      return view.getUint32(at, LITTLE_ENDIAN);
    case "s32":
      return view.getInt32(at, LITTLE_ENDIAN);
    case "u64":
      return readU64(view, at);
  }
}

function writeField(out: NetlinkWriter, type: FieldType, value: number): void {
  if (type === "u8") out.u8(value);
  else if (type === "u16") out.u16(value);
  else if (type === "u64") out.u64(value);
  else out.u32(value);
}
