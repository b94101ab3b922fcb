import { readIpv6, Ipv6Address, type IpAddress } from "@seville/packet";
import { fail, readAttributes, writeAttributes, type AttributeTable, type AttributeType } from "./attribute.ts";
import { LITTLE_ENDIAN, readU64 } from "./byte-order.ts";
import { ALIGNTO, ATTRIBUTE_HEADER_BYTES, NLA_F_NESTED, NLA_TYPE_MASK, type NetlinkWriter } from "./writer.ts";

const decoder = new TextDecoder();

function fixed<T>(
  size: number,
  read: (view: DataView, at: number) => T,
  write: (out: NetlinkWriter, value: T) => void,
): AttributeType<T> {
  return { min: size, max: size, read, write };
}

export const u8: AttributeType<number> = fixed(
  1,
  (view, at) => view.getUint8(at),
  (out, value) => out.u8(value),
);
export const u16: AttributeType<number> = fixed(
  2,
  (view, at) => view.getUint16(at, LITTLE_ENDIAN),
  (out, value) => out.u16(value),
);
export const u32: AttributeType<number> = fixed(
  4,
  (view, at) => view.getUint32(at, LITTLE_ENDIAN),
  (out, value) => out.u32(value),
);
export const s32: AttributeType<number> = fixed(
  4,
  (view, at) => view.getInt32(at, LITTLE_ENDIAN),
  (out, value) => out.u32(value),
);
export const u64: AttributeType<number> = fixed(8, readU64, (out, value) => out.u64(value));
/** Network order: ports, keys. */
export const be16: AttributeType<number> = fixed(
  2,
  (view, at) => view.getUint16(at),
  (out, value) => out.be16(value),
);
export const be32: AttributeType<number> = fixed(
  4,
  (view, at) => view.getUint32(at),
  (out, value) => out.be32(value),
);

/** `NLA_UINT` of generic netlink: 4 bytes, or 8 if it needs them. */
export const uint: AttributeType<number> = {
  min: 4,
  max: 8,
  read: (view, at, length) => (length >= 8 ? readU64(view, at) : view.getUint32(at, LITTLE_ENDIAN)),
  write: (out, value) => (value > 0xffff_ffff ? out.u64(value) : out.u32(value)),
};

/** Present or not; it has no payload. */
export const flag: AttributeType<boolean> = { min: 0, max: 0, read: () => true, write: () => undefined };

/** A C string of at most `max` bytes, with or without its NUL (`NLA_STRING`, `NLA_NUL_STRING`). */
export function text(max = 0xffff): AttributeType<string> {
  return {
    min: 1,
    max: max + 1,
    read: (view, at, length) => {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
      const nul = bytes.indexOf(0);
      return decoder.decode(nul < 0 ? bytes : bytes.subarray(0, nul));
    },
    write: (out, value) => out.text(value),
  };
}

/** Bytes as they are, copied. */
export function bytes(min = 0, max = 0xffff): AttributeType<Uint8Array> {
  return {
    min,
    max,
    read: (view, at, length) => new Uint8Array(view.buffer, view.byteOffset + at, length).slice(),
    write: (out, value) => out.raw(value),
  };
}

/** An address of either family, by its length. */
export const address: AttributeType<IpAddress> = {
  min: 4,
  max: 16,
  read: (view, at, length, reading) => {
    if (length === 4) return view.getUint32(at);
    if (length === 16) return readIpv6(view, at);
    fail(reading, "Invalid address length", at - ATTRIBUTE_HEADER_BYTES);
    return undefined;
  },
  write: writeAddress,
};

export function writeAddress(out: NetlinkWriter, value: IpAddress): void {
  if (value instanceof Ipv6Address) out.be32(value.w0).be32(value.w1).be32(value.w2).be32(value.w3);
  else out.be32(value);
}

/** A Ethernet address, as a number. Devices without one (tunnels) have 4 or 16 bytes here, or none: use {@link bytes}. */
export const mac: AttributeType<number> = fixed(
  6,
  (view, at) => view.getUint16(at) * 0x1_0000_0000 + view.getUint32(at + 2),
  (out, value) => out.be16(Math.floor(value / 0x1_0000_0000)).be32(value % 0x1_0000_0000),
);

/** Attributes in an attribute. */
export function nest<T extends object>(table: AttributeTable<T>): AttributeType<Partial<T>> {
  return {
    min: 0,
    max: 0xffff,
    nested: true,
    read: (view, at, length, reading) => readAttributes(table, view, at, at + length, reading),
    write: (out, value) => writeAttributes(out, table, value),
  };
}

/** Attributes that are all alike: a list. `type` is written as their number; where it is `"index"` they count from 1. */
export function list<T>(type: number | "index", as: AttributeType<T>): AttributeType<readonly T[]> {
  return {
    min: 0,
    max: 0xffff,
    nested: true,
    read: (view, from, length, reading) => {
      const values: T[] = [];
      const end = from + length;
      for (let at = from; end - at >= ATTRIBUTE_HEADER_BYTES;) {
        const size = view.getUint16(at, LITTLE_ENDIAN);
        if (size < ATTRIBUTE_HEADER_BYTES || size > end - at) {
          fail(reading, "Malformed nested attribute", at);
          return undefined;
        }
        const number = view.getUint16(at + 2, LITTLE_ENDIAN) & NLA_TYPE_MASK;
        if (type === "index" || number === type) {
          const payload = size - ATTRIBUTE_HEADER_BYTES;
          if (payload < as.min) {
            fail(reading, "Attribute failed policy validation", at);
            return undefined;
          }
          const value = as.read(view, at + ATTRIBUTE_HEADER_BYTES, Math.min(payload, as.max), reading);
          if (reading.problem !== undefined) return undefined;
          values.push(value as T);
        }
        at += (size + ALIGNTO - 1) & ~(ALIGNTO - 1);
      }
      return values;
    },
    write: (out, values) => {
      for (const [i, value] of values.entries()) {
        const number = type === "index" ? i + 1 : type;
        out.attribute(as.nested === true ? number | NLA_F_NESTED : number, () => {
          as.write(out, value);
        });
      }
    },
  };
}
