/** What a program tells a TUN or TAP device that it can take, by TUNSETOFFLOAD (include/uapi/linux/if_tun.h; S18). */
export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;
export const TUN_F_TSO_ECN = 0x08;
/** Ignored since Linux 4.14: UFO is done in software. */
export const TUN_F_UFO = 0x10;
/** Since Linux 6.2, both or none. */
export const TUN_F_USO4 = 0x20;
export const TUN_F_USO6 = 0x40;
/** Since Linux 6.17. */
export const TUN_F_UDP_TUNNEL_GSO = 0x80;
export const TUN_F_UDP_TUNNEL_GSO_CSUM = 0x100;

const USO = TUN_F_USO4 | TUN_F_USO6;
const TSO = TUN_F_TSO4 | TUN_F_TSO6;
const TUNNEL = TUN_F_UDP_TUNNEL_GSO | TUN_F_UDP_TUNNEL_GSO_CSUM;

/** `mask` without what the kernel would not take together with the rest (`set_offload`, drivers/net/tun.c). */
export function fixTunFeatures(mask: number): number {
  if ((mask & TUN_F_CSUM) === 0) return 0;
  let fixed = mask;
  if ((fixed & TSO) === 0) fixed &= ~TUN_F_TSO_ECN;
  if ((fixed & USO) !== USO) fixed &= ~USO;
  if ((fixed & (TSO | USO)) === 0 || (fixed & TUN_F_UDP_TUNNEL_GSO) === 0) fixed &= ~TUNNEL;
  return fixed;
}

/**
 * What to ask for, in order: a kernel answers EINVAL to a bit that it does not know, so the newest are given up first. The
 * last is 0, which every kernel takes.
 */
export function tunFeatureFallbacks(wanted: number): number[] {
  const steps = [0, TUNNEL, USO | TUNNEL, USO | TUNNEL | TUN_F_TSO_ECN | TUN_F_UFO, ~TUN_F_CSUM, ~0];
  const masks = steps.map((without) => fixTunFeatures(wanted & ~without));
  return masks.filter((mask, i) => masks.indexOf(mask) === i);
}
