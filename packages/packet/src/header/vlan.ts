import type { HeaderFault } from "./fault.ts";
import { ETH_P_8021AD, ETH_P_8021Q } from "./numbers.ts";

/*
 * VLAN tag, IEEE 802.1Q §9.6. The offset here is that of the tag control information, behind the EtherType (0x8100 of a
 * customer's tag, 0x88a8 of a service tag) that announced it; it ends with the EtherType of what follows:
 *
 *    0   3 4              16              31
 *   +-----+-+---------------+---------------+
 *   | PCP |D|      VID      |     type      |
 *   +-----+-+---------------+---------------+
 */
export const HEADER_LENGTH = 4;
/** No VLAN: the tag carries a priority only. */
export const VID_PRIORITY_ONLY = 0;
/** Greatest VLAN id; 0xfff is reserved. */
export const MAX_VID = 0xffe;

export interface VlanTag {
  /** Priority code point, 0 to 7. */
  readonly priority?: number;
  readonly dropEligible?: boolean;
  /** VLAN id, 0 to 4095. */
  readonly id: number;
  /** EtherType of what follows. */
  readonly etherType: number;
}

/** Whether `etherType` announces a tag. */
export function isTag(etherType: number): boolean {
  return etherType === ETH_P_8021Q || etherType === ETH_P_8021AD;
}

/** The whole tag control information. */
export function tci(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function setTci(view: DataView, at: number, value: number): void {
  view.setUint16(at, value);
}

export function priority(view: DataView, at: number): number {
  return view.getUint8(at) >>> 5;
}

export function dropEligible(view: DataView, at: number): boolean {
  return (view.getUint8(at) & 0x10) !== 0;
}

export function id(view: DataView, at: number): number {
  return view.getUint16(at) & 0xfff;
}

/** EtherType of what follows. */
export function etherType(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setEtherType(view: DataView, at: number, type: number): void {
  view.setUint16(at + 2, type);
}

export function makeTci(id: number, priority = 0, dropEligible = false): number {
  return ((priority & 7) << 13) | (dropEligible ? 0x1000 : 0) | (id & 0xfff);
}

/** What makes the bytes from `at` to `end` no tag; `undefined`: nothing. */
export function check(_view: DataView, at: number, end: number): HeaderFault | undefined {
  return end - at < HEADER_LENGTH ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): Required<VlanTag> | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    priority: priority(view, at),
    dropEligible: dropEligible(view, at),
    id: id(view, at),
    etherType: etherType(view, at),
  };
}

/** Writes the tag and returns its length. */
export function write(view: DataView, at: number, fields: VlanTag): number {
  setTci(view, at, makeTci(fields.id, fields.priority, fields.dropEligible));
  setEtherType(view, at, fields.etherType);
  return HEADER_LENGTH;
}

export function print(view: DataView, at: number): string {
  return `vlan ${id(view, at)}, p ${priority(view, at)}${dropEligible(view, at) ? ", DEI" : ""}`;
}
