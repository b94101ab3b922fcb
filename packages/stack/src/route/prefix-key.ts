import { Ipv6Address, type IpAddress } from "@seville/packet";

/** `address` with all bits behind the first `length` zero. Zones are gone. */
export function maskAddress<A extends IpAddress>(address: A, length: number): A;
export function maskAddress(address: IpAddress, length: number): IpAddress {
  if (typeof address === "number") return (address & maskOf(length)) >>> 0;
  if (length === 128) return address.withZone("");
  return Ipv6Address.of(
    address.w0 & maskOf(length),
    address.w1 & maskOf(length - 32),
    address.w2 & maskOf(length - 64),
    address.w3 & maskOf(length - 96),
  );
}

/** Whether `address` lies in `network/length`. Makes nothing. */
export function inPrefix(address: IpAddress, network: IpAddress, length: number): boolean {
  if (typeof address === "number") {
    return typeof network === "number" && ((address ^ network) & maskOf(length)) === 0;
  }
  if (typeof network === "number") return false;
  return (
    ((address.w0 ^ network.w0) & maskOf(length)) === 0 &&
    ((address.w1 ^ network.w1) & maskOf(length - 32)) === 0 &&
    ((address.w2 ^ network.w2) & maskOf(length - 64)) === 0 &&
    ((address.w3 ^ network.w3) & maskOf(length - 96)) === 0
  );
}

/** `length` ones and then zeros, as a signed word; lengths below 0 and above 32 are cut to that. */
export function maskOf(length: number): number {
  if (length <= 0) return 0;
  return length >= 32 ? -1 : -1 << (32 - length);
}
