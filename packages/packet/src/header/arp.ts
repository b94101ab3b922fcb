import { formatIpv4, type Ipv4Address } from "../address/ipv4.ts";
import { formatMac, readMac, writeMac, type MacAddress } from "../address/mac.ts";
import type { HeaderFault } from "./fault.ts";
import { ETH_P_IP } from "./numbers.ts";

/*
 * ARP for IPv4 over Ethernet, RFC 826 "Packet format" (ar$… are the RFC's names):
 *
 *    0       2       4   5   6       8            14       18           24       28
 *   +-------+-------+---+---+-------+------------+--------+------------+--------+
 *   |  hrd  |  pro  |hln|pln|  op   |    sha     |  spa   |    tha     |  tpa   |
 *   +-------+-------+---+---+-------+------------+--------+------------+--------+
 */
export const HEADER_LENGTH = 28;
export const HARDWARE_ETHERNET = 1;
export const REQUEST = 1;
export const REPLY = 2;
/** RFC 903. */
export const RARP_REQUEST = 3;
export const RARP_REPLY = 4;

export interface ArpPacket {
  /** {@link REQUEST} or {@link REPLY}. */
  readonly operation: number;
  readonly senderMac: MacAddress;
  readonly senderIp: Ipv4Address;
  readonly targetMac: MacAddress;
  readonly targetIp: Ipv4Address;
}

export function hardwareType(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function protocolType(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function hardwareLength(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

export function protocolLength(view: DataView, at: number): number {
  return view.getUint8(at + 5);
}

export function operation(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setOperation(view: DataView, at: number, operation: number): void {
  view.setUint16(at + 6, operation);
}

export function senderMac(view: DataView, at: number): MacAddress {
  return readMac(view, at + 8);
}

export function setSenderMac(view: DataView, at: number, mac: MacAddress): void {
  writeMac(view, at + 8, mac);
}

export function senderIp(view: DataView, at: number): Ipv4Address {
  return addressAt(view, at + 14);
}

export function setSenderIp(view: DataView, at: number, address: Ipv4Address): void {
  setAddressAt(view, at + 14, address);
}

export function targetMac(view: DataView, at: number): MacAddress {
  return readMac(view, at + 18);
}

export function setTargetMac(view: DataView, at: number, mac: MacAddress): void {
  writeMac(view, at + 18, mac);
}

export function targetIp(view: DataView, at: number): Ipv4Address {
  return addressAt(view, at + 24);
}

export function setTargetIp(view: DataView, at: number, address: Ipv4Address): void {
  setAddressAt(view, at + 24, address);
}

/** In halves: `ar$spa` is not at a multiple of 4 (`arp_process` copies it byte by byte for that). */
function addressAt(view: DataView, at: number): Ipv4Address {
  return ((view.getUint16(at) << 16) | view.getUint16(at + 2)) >>> 0;
}

function setAddressAt(view: DataView, at: number, address: Ipv4Address): void {
  view.setUint16(at, address >>> 16);
  view.setUint16(at + 2, address & 0xffff);
}

/** What makes the bytes from `at` to `end` no ARP packet for IPv4 over Ethernet; `undefined`: nothing. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < 8) return "truncated";
  if (hardwareType(view, at) !== HARDWARE_ETHERNET || protocolType(view, at) !== ETH_P_IP) return "bad-value";
  if (hardwareLength(view, at) !== 6 || protocolLength(view, at) !== 4) return "bad-length";
  return end - at < HEADER_LENGTH ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): ArpPacket | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    operation: operation(view, at),
    senderMac: senderMac(view, at),
    senderIp: senderIp(view, at),
    targetMac: targetMac(view, at),
    targetIp: targetIp(view, at),
  };
}

/** Writes the packet and returns its length. */
export function write(view: DataView, at: number, fields: ArpPacket): number {
  view.setUint16(at, HARDWARE_ETHERNET);
  view.setUint16(at + 2, ETH_P_IP);
  view.setUint8(at + 4, 6);
  view.setUint8(at + 5, 4);
  setOperation(view, at, fields.operation);
  setSenderMac(view, at, fields.senderMac);
  setSenderIp(view, at, fields.senderIp);
  setTargetMac(view, at, fields.targetMac);
  setTargetIp(view, at, fields.targetIp);
  return HEADER_LENGTH;
}

export function print(view: DataView, at: number): string {
  const op = operation(view, at);
  if (op === REQUEST)
    return `ARP, Request who-has ${formatIpv4(targetIp(view, at))} tell ${formatIpv4(senderIp(view, at))}`;
  if (op === REPLY) return `ARP, Reply ${formatIpv4(senderIp(view, at))} is-at ${formatMac(senderMac(view, at))}`;
  return `ARP, operation ${op}`;
}
