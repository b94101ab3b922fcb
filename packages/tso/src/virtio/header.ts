import { invalidArgument } from "@seville/core";

/*
 * struct virtio_net_hdr (include/uapi/linux/virtio_net.h; virtio 1.3 §5.1.6), fields of two bytes little-endian unless the
 * device is a legacy one of the other kind:
 *
 *    0 flags      2 hdr_len    4 gso_size      6 csum_start    8 csum_offset
 *    1 gso_type
 *   10 num_buffers                                    (12 bytes: virtio_net_hdr_v1, mergeable buffers)
 *   12 hash_value (4)   16 hash_report   18 padding   (20 bytes: …_v1_hash)
 *   20 outer_th_offset  22 inner_nh_offset            (24 bytes: …_v1_hash_tunnel)
 */
export const NEEDS_CSUM = 1;
export const DATA_VALID = 2;
export const RSC_INFO = 4;
export const UDP_TUNNEL_CSUM = 8;

export const GSO_NONE = 0;
export const GSO_TCPV4 = 1;
/** UFO. */
export const GSO_UDP = 3;
export const GSO_TCPV6 = 4;
export const GSO_UDP_L4 = 5;
export const GSO_UDP_TUNNEL_IPV4 = 0x20;
export const GSO_UDP_TUNNEL_IPV6 = 0x40;
export const GSO_UDP_TUNNEL: number = GSO_UDP_TUNNEL_IPV4 | GSO_UDP_TUNNEL_IPV6;
export const GSO_ECN = 0x80;

/** Sizes of the header, by what was negotiated. */
export type Size = 10 | 12 | 20 | 24;
export const SIZES: readonly Size[] = [10, 12, 20, 24];

/** The header's fields. Offsets count from the first byte of the frame. What a form does not have is 0. */
export interface Header {
  flags: number;
  gsoType: number;
  /** Bytes of headers: a hint that is not to be believed. */
  hdrLen: number;
  gsoSize: number;
  csumStart: number;
  csumOffset: number;
  numBuffers: number;
  hashValue: number;
  hashReport: number;
  outerThOffset: number;
  innerNhOffset: number;
}

/** A header that says nothing but where the frame is. */
export function empty(): Header {
  return {
    flags: 0,
    gsoType: GSO_NONE,
    hdrLen: 0,
    gsoSize: 0,
    csumStart: 0,
    csumOffset: 0,
    numBuffers: 0,
    hashValue: 0,
    hashReport: 0,
    outerThOffset: 0,
    innerNhOffset: 0,
  };
}

/** The header of `size` bytes at `at`, or `undefined` if `end` comes before its end. */
export function decode(
  view: DataView,
  at: number,
  end: number,
  size: Size = 10,
  littleEndian = true,
): Header | undefined {
  checkSize(size);
  if (at + size > end) return undefined;
  const u16 = (offset: number): number => view.getUint16(at + offset, littleEndian);
  const header = empty();
  header.flags = view.getUint8(at);
  header.gsoType = view.getUint8(at + 1);
  header.hdrLen = u16(2);
  header.gsoSize = u16(4);
  header.csumStart = u16(6);
  header.csumOffset = u16(8);
  if (size >= 12) header.numBuffers = u16(10);
  if (size >= 20) {
    header.hashValue = view.getUint32(at + 12, true);
    header.hashReport = view.getUint16(at + 16, true);
  }
  if (size >= 24) {
    header.outerThOffset = view.getUint16(at + 20, true);
    header.innerNhOffset = view.getUint16(at + 22, true);
  }
  return header;
}

/** Writes `header` in `size` bytes at `at`; returns `size`. Every byte is written: nothing leaks. */
export function encode(view: DataView, at: number, header: Header, size: Size = 10, littleEndian = true): number {
  checkSize(size);
  const u16 = (offset: number, value: number): void => {
    view.setUint16(at + offset, value, littleEndian);
  };
  view.setUint8(at, header.flags);
  view.setUint8(at + 1, header.gsoType);
  u16(2, header.hdrLen);
  u16(4, header.gsoSize);
  u16(6, header.csumStart);
  u16(8, header.csumOffset);
  if (size >= 12) u16(10, header.numBuffers);
  if (size >= 20) {
    view.setUint32(at + 12, header.hashValue, true);
    view.setUint16(at + 16, header.hashReport, true);
    view.setUint16(at + 18, 0);
  }
  if (size >= 24) {
    view.setUint16(at + 20, header.outerThOffset, true);
    view.setUint16(at + 22, header.innerNhOffset, true);
  }
  return size;
}

function checkSize(size: number): void {
  if (!(SIZES as readonly number[]).includes(size)) throw invalidArgument("size", "10, 12, 20 or 24 bytes", size);
}
