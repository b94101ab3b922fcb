/**
 * How a tunnel over UDP is recognised and walked through, as data: which ports, how long the header is, and what is inside.
 * Two packets belong together only if their tunnel headers are the same byte for byte.
 */
export interface UdpTunnelShape {
  readonly name: string;
  /** Destination ports on which it is spoken. */
  readonly ports: readonly number[];
  /** Bytes of its header; 0 for FOU. */
  readonly headerBytes: number;
  /** More bytes of header: `(byte at offset & mask) * unit`. */
  readonly options?: { readonly offset: number; readonly mask: number; readonly unit: number };
  /** Bytes of the header that must be so, or it is left alone. */
  readonly require?: readonly { readonly offset: number; readonly mask: number; readonly value: number }[];
  /** What is inside: a fixed EtherType or IP protocol, or where in the header it stands. */
  readonly inner: InnerKind;
}

export type InnerKind =
  | { readonly etherType: number }
  | { readonly etherTypeAt: number }
  | { readonly protocol: number }
  | { readonly protocolAt: number };

/** Whether the bytes at `at` are a header of this shape that ends before `end`: its length, else `undefined`. */
export function measureShape(view: DataView, at: number, end: number, shape: UdpTunnelShape): number | undefined {
  if (at + shape.headerBytes > end) return undefined;
  for (const { offset, mask, value } of shape.require ?? []) {
    if (offset >= shape.headerBytes || (view.getUint8(at + offset) & mask) !== value) return undefined;
  }
  const { options } = shape;
  if (options === undefined) return shape.headerBytes;
  if (options.offset >= shape.headerBytes) return undefined;
  const length = shape.headerBytes + (view.getUint8(at + options.offset) & options.mask) * options.unit;
  return at + length <= end ? length : undefined;
}
