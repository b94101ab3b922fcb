import { Ipv6Address, withInterfaceId, type MacAddress } from "@seville/packet";
import { sha1Block } from "./sha1-block.ts";

/** `addr_gen_mode` (include/uapi/linux/if_link.h, IN6_ADDR_GEN_MODE_…). */
export const ADDR_GEN_EUI64 = 0;
export const ADDR_GEN_NONE = 1;
export const ADDR_GEN_STABLE_PRIVACY = 2;
export const ADDR_GEN_RANDOM = 3;

/** The address of `prefix` (64 bits) with the modified EUI-64 identifier of `mac` (RFC 2464 §4). */
export function eui64Address(prefix: Ipv6Address, mac: MacAddress): Ipv6Address {
  return withInterfaceId(prefix, mac);
}

/**
 * The address of `prefix` with an opaque identifier that stays the same here and says nothing elsewhere (RFC 7217 §5).
 *
 * F() is what Linux uses: one SHA-1 block over secret, prefix, the device's permanent address and the counter, of which
 * the first two words become the identifier, bytes in the order of a little-endian machine. So with the same secret the
 * kernel and we make the same address.
 *
 * @param secret `stable_secret`, @param permanentMac 0 for devices that were born with a random address (veth)
 * @param dadCounter how many addresses collided before
 */
export function stableAddress(
  prefix: Ipv6Address,
  secret: Ipv6Address,
  permanentMac: MacAddress,
  dadCounter: number,
): Ipv6Address {
  for (let counter = dadCounter; ; counter++) {
    const block = new Uint8Array(64);
    const view = new DataView(block.buffer);
    for (const [i, word] of [secret.w0, secret.w1, secret.w2, secret.w3, prefix.w0, prefix.w1].entries()) {
      view.setUint32(i * 4, word);
    }
    view.setUint16(24, Math.floor(permanentMac / 0x1_0000_0000));
    view.setUint32(26, permanentMac % 0x1_0000_0000);
    view.setUint8(56, counter & 0xff);
    const [first, second] = sha1Block(view);
    const address = Ipv6Address.of(prefix.w0, prefix.w1, swapBytes(first), swapBytes(second));
    if (!isReservedIdentifier(address)) return address;
  }
}

/** The address of `prefix` with the 64 random bits `high` and `low`. */
export function randomAddress(prefix: Ipv6Address, draw: () => number): Ipv6Address {
  for (;;) {
    const address = Ipv6Address.of(prefix.w0, prefix.w1, draw(), draw());
    if (!isReservedIdentifier(address)) return address;
  }
}

/** Identifiers that mean something already (RFC 5453, IANA "Reserved IPv6 Interface Identifiers"). */
export function isReservedIdentifier(address: Ipv6Address): boolean {
  if ((address.w2 | address.w3) === 0) return true;
  // Proxy Mobile IPv6 and the block of IANA's own OUI.
  if (address.w2 === 0x0200_5eff && address.w3 >>> 24 === 0xfe) return true;
  // Subnet anycast addresses (RFC 2526).
  return address.w2 === 0xfdff_ffff && address.w3 >>> 7 === 0x1ff_ffff;
}

function swapBytes(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
