import { unsupported } from "@seville/core";
import type { Libc } from "../libc/libc.ts";
import { errnoName, hostError } from "../port/errors.ts";
import type { VnetGrant, VnetWish } from "./messages.ts";
import {
  IFF_VNET_HDR,
  intArgument,
  readInt,
  TUNGETFEATURES,
  TUNSETOFFLOAD,
  TUNSETVNETHDRSZ,
  TUNSETVNETLE,
} from "./tun-abi.ts";

const EINVAL = 22;
/** `struct virtio_net_hdr_v1`, and `…_v1_hash_tunnel` (include/uapi/linux/virtio_net.h). */
const PLAIN_HEADER = 12;
const TUNNEL_HEADER = 24;

/**
 * Agrees with the kernel on the `virtio_net_hdr` of the TAP device behind `fd` and on what frames may leave unfinished: the
 * first of the sets of `wish` that this kernel takes (S18). The header is little-endian on every machine, and
 * has room for tunnels only if they were granted.
 */
export function grantVnet(libc: Libc, fd: number, name: string, wish: VnetWish): VnetGrant {
  const features = intArgument(0);
  check(libc, libc.ioctl(fd, TUNGETFEATURES, features), "ask what TAP devices can do");
  if ((readInt(features) & IFF_VNET_HDR) === 0) {
    throw unsupported("a TAP device with offloads", "this kernel's have no IFF_VNET_HDR: open it without vnetHdr");
  }
  check(libc, libc.ioctl(fd, TUNSETVNETLE, intArgument(1)), `choose little-endian headers on ${name}`);
  const offloads = switchOn(libc, fd, name, wish.offloads);
  const headerBytes = (offloads & wish.tunnels) !== 0 ? TUNNEL_HEADER : PLAIN_HEADER;
  check(libc, libc.ioctl(fd, TUNSETVNETHDRSZ, intArgument(headerBytes)), `choose headers of ${headerBytes} bytes`);
  return { headerBytes, offloads };
}

function switchOn(libc: Libc, fd: number, name: string, masks: readonly number[]): number {
  for (const mask of masks) {
    if (libc.ioctlValue(fd, TUNSETOFFLOAD, mask) >= 0) return mask;
    // Only EINVAL says that a bit is unknown.
    if (libc.errno() !== EINVAL) break;
  }
  throw hostError(errnoName(libc.errno()), `switch on the offloads of ${name}`);
}

function check(libc: Libc, result: number, doing: string): void {
  if (result < 0) throw hostError(errnoName(libc.errno()), doing);
}
