import { SevilleError } from "@seville/core";

/**
 * A 48-bit IEEE 802 address as an integer, its first octet the most significant: exact in a double, compact, and as
 * good a key as any number.
 */
export type MacAddress = number;

export const BROADCAST_MAC: MacAddress = 0xffff_ffff_ffff;
export const ZERO_MAC: MacAddress = 0;

const TEXT = /^[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})$/i;
const TWO_32 = 0x1_0000_0000;
const TWO_40 = 0x100_0000_0000;

/**
 * The address that `text` writes, as six pairs of hexadecimal digits joined by `:` or `-`.
 * @throws SevilleError `ERR_INVALID_ADDRESS`
 */
export function parseMac(text: string): MacAddress {
  const mac = tryParseMac(text);
  if (mac !== undefined) return mac;
  throw new SevilleError("ERR_INVALID_ADDRESS", `${JSON.stringify(text)} is not a MAC address`, "text");
}

/** As {@link parseMac}, but `undefined` for anything else. */
export function tryParseMac(text: string): MacAddress | undefined {
  return TEXT.test(text) ? Number.parseInt(text.replace(/[:-]/g, ""), 16) : undefined;
}

/** `02:00:00:00:00:01`. */
export function formatMac(mac: MacAddress): string {
  const digits = mac.toString(16).padStart(12, "0");
  return digits.replace(/..(?!$)/g, "$&:");
}

/** By halves of words: frames begin at even offsets, of which only every other one is a multiple of 4 (`ether_addr_copy`). */
export function readMac(view: DataView, at: number): MacAddress {
  return view.getUint16(at) * TWO_32 + view.getUint16(at + 2) * 0x1_0000 + view.getUint16(at + 4);
}

export function writeMac(view: DataView, at: number, mac: MacAddress): void {
  view.setUint16(at, Math.floor(mac / TWO_32));
  view.setUint16(at + 2, (mac % TWO_32) >>> 16);
  view.setUint16(at + 4, mac & 0xffff);
}

/** The I/G bit: a group address, of which broadcast is one (IEEE 802 §8.2). */
export function isMulticastMac(mac: MacAddress): boolean {
  return (Math.floor(mac / TWO_40) & 1) === 1;
}

/** The U/L bit: assigned locally, not by the IEEE (IEEE 802 §8.2). */
export function isLocalMac(mac: MacAddress): boolean {
  return (Math.floor(mac / TWO_40) & 2) === 2;
}

/** Can be the address of a station: neither a group nor all zeros (Linux `is_valid_ether_addr`). */
export function isStationMac(mac: MacAddress): boolean {
  return mac !== ZERO_MAC && !isMulticastMac(mac);
}
