import { invalidArgument } from "@seville/core";
import { LITTLE_ENDIAN, writeU64 } from "./byte-order.ts";

/** Everything in netlink begins at a multiple of four bytes. */
export const ALIGNTO = 4;
export const HEADER_BYTES = 16;
export const ATTRIBUTE_HEADER_BYTES = 4;
/** Flags in an attribute's type, and what is left of it (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`, `NLA_TYPE_MASK`). */
export const NLA_F_NESTED = 0x8000;
export const NLA_F_NET_BYTEORDER = 0x4000;
export const NLA_TYPE_MASK = 0x3fff;

const encoder = new TextEncoder();

/** Bytes of netlink messages, one behind the other, in an array that grows. */
export class NetlinkWriter {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A copy of all that was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets all from `length` on. */
  truncate(length: number): void {
    this.#length = length;
  }

  /**
   * Writes one message: header, then what `body` writes; its length is set afterwards.
   * @returns its offset
   */
  message(type: number, flags: number, sequence: number, port: number, body?: (out: this) => void): number {
    const at = this.#length;
    this.u32(0).u16(type).u16(flags).u32(sequence).u32(port);
    body?.(this);
    this.#view.setUint32(at, this.#length - at, LITTLE_ENDIAN);
    this.align();
    return at;
  }

  /** Writes one attribute whose payload `body` writes; pads behind it. */
  attribute(type: number, body?: (out: this) => void): this {
    const at = this.#length;
    this.u16(0).u16(type);
    body?.(this);
    const length = this.#length - at;
    if (length > 0xffff) throw invalidArgument("value", "at most 65531 bytes for one netlink attribute", length);
    this.#view.setUint16(at, length, LITTLE_ENDIAN);
    return this.align();
  }

  u8(value: number): this {
    this.#view.setUint8(this.#room(1), value);
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#room(2), value, LITTLE_ENDIAN);
    return this;
  }

  /** Network byte order, for ports and the like. */
  be16(value: number): this {
    this.#view.setUint16(this.#room(2), value);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#room(4), value, LITTLE_ENDIAN);
    return this;
  }

  be32(value: number): this {
    this.#view.setUint32(this.#room(4), value);
    return this;
  }

  u64(value: number): this {
    const at = this.#room(8);
    writeU64(this.#view, at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  zeros(count: number): this {
    const at = this.#room(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  /** UTF-8 and a NUL, as C strings are. */
  text(value: string): this {
    return this.raw(encoder.encode(value)).u8(0);
  }

  align(): this {
    return this.zeros(-this.#length & (ALIGNTO - 1));
  }

  /** Offset of `count` new bytes. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
