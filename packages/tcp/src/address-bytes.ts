import type { IpAddress } from "@seville/packet";

/** Writes an address in network order at `at` and answers where it ends: 4 or 16 bytes on. */
export function putAddress(view: DataView, at: number, address: IpAddress): number {
  if (typeof address === "number") {
    view.setUint32(at, address);
    return at + 4;
  }
  view.setUint32(at, address.w0);
  view.setUint32(at + 4, address.w1);
  view.setUint32(at + 8, address.w2);
  view.setUint32(at + 12, address.w3);
  return at + 16;
}

/** A fresh key for SipHash. */
export function drawKey(secretRandom: (into: Uint8Array) => void): Uint8Array {
  const key = new Uint8Array(16);
  secretRandom(key);
  return key;
}
