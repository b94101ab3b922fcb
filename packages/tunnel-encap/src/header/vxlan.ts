import type { HeaderFault } from "@seville/packet";

/*
 * VXLAN header, RFC 7348 §5; group policy (draft-smith-vxlan-group-policy-05 §2.1); generic protocol extension
 * (draft-ietf-nvo3-vxlan-gpe-13 §3); remote checksum offload (draft-herbert-vxlan-rco-00):
 *
 *    0               8              16                              31
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-------------------------------+
 *   |G|R|VER|I|P|B|O|R D C R A R R R|  group policy  / next protocol|
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+---------------+---------------+
 *   |         VXLAN network identifier (VNI)        | reserved / RCO|
 *   +-----------------------------------------------+---------------+
 *
 * Plain VXLAN knows the I bit only. G, D and A belong to group policy, VER, P, B and O to the protocol extension.
 */
export const HEADER_LENGTH = 8;
export const PORT = 4789;
/** What Linux took before the port was assigned, and still does without `dstport`. */
export const LINUX_PORT = 8472;
export const GPE_PORT = 4790;
export const MAX_VNI = 0xff_ffff;

/** Bits of {@link flags}. */
export const FLAG_VNI = 0x0800_0000;
export const FLAG_GBP = 0x8000_0000;
/** The receiver is not to learn from this frame. */
export const FLAG_GBP_DONT_LEARN = 0x0040_0000;
/** The policy has been applied. */
export const FLAG_GBP_POLICY_APPLIED = 0x0008_0000;
export const GBP_ID_MASK = 0xffff;
export const FLAG_RCO = 0x0020_0000;
export const FLAG_GPE_NEXT_PROTOCOL = 0x0400_0000;
/** Broadcast, unknown unicast or multicast, replicated at the ingress. */
export const FLAG_GPE_BUM = 0x0200_0000;
export const FLAG_GPE_OAM = 0x0100_0000;
export const GPE_VERSION_MASK = 0x3000_0000;
export const GPE_NEXT_PROTOCOL_MASK = 0xff;

/** Next protocols of GPE (draft-ietf-nvo3-vxlan-gpe-13 §3.2, as in include/net/vxlan.h). */
export const GPE_NP_IPV4 = 1;
export const GPE_NP_IPV6 = 2;
export const GPE_NP_ETHERNET = 3;
export const GPE_NP_NSH = 4;
export const GPE_NP_MPLS = 5;

/** Group policy, which travels in the flags. */
export interface GroupPolicy {
  /** 0 to 65535. */
  readonly id: number;
  readonly dontLearn?: boolean | undefined;
  readonly policyApplied?: boolean | undefined;
}

export interface VxlanHeader {
  /** 24 bits. */
  readonly vni: number;
  /** The first word as it stands. */
  readonly flags: number;
  /** The byte behind the VNI: reserved, or remote checksum offload's. */
  readonly reserved: number;
}

/** What {@link write} is given. The I flag is set unless `flags` says otherwise. */
export interface VxlanFields {
  readonly vni: number;
  readonly gbp?: GroupPolicy | undefined;
  /** Set: this is VXLAN-GPE. */
  readonly nextProtocol?: number | undefined;
  /** The byte of remote checksum offload (`encodeVxlanRco` of `@seville/checksum`). */
  readonly rco?: number | undefined;
}

/** The first word: flags with what lies among them. */
export function flags(view: DataView, at: number): number {
  return view.getUint32(at);
}

export function setFlags(view: DataView, at: number, value: number): void {
  view.setUint32(at, value);
}

/** 24 bits. */
export function vni(view: DataView, at: number): number {
  return view.getUint32(at + 4) >>> 8;
}

export function setVni(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, ((value << 8) | view.getUint8(at + 7)) >>> 0);
}

/** The byte behind the VNI. */
export function reserved(view: DataView, at: number): number {
  return view.getUint8(at + 7);
}

export function setReserved(view: DataView, at: number, value: number): void {
  view.setUint8(at + 7, value);
}

/** Group policy, of a header with the G bit. */
export function groupPolicy(view: DataView, at: number): GroupPolicy {
  const word = flags(view, at);
  return {
    id: word & GBP_ID_MASK,
    dontLearn: (word & FLAG_GBP_DONT_LEARN) !== 0,
    policyApplied: (word & FLAG_GBP_POLICY_APPLIED) !== 0,
  };
}

/** Of a GPE header. */
export function nextProtocol(view: DataView, at: number): number {
  return view.getUint8(at + 3);
}

/**
 * What makes the bytes from `at` to `end` no VXLAN header; `undefined`: nothing. Which other bits may be set depends on
 * the extensions in use: that is the receiver's question (`pullVxlan`).
 */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  return (flags(view, at) & FLAG_VNI) === 0 ? "bad-value" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): VxlanHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return { vni: vni(view, at), flags: flags(view, at), reserved: reserved(view, at) };
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: VxlanFields): number {
  let word = FLAG_VNI;
  if (fields.gbp !== undefined) word |= gbpWord(fields.gbp);
  if (fields.nextProtocol !== undefined) word |= FLAG_GPE_NEXT_PROTOCOL | (fields.nextProtocol & 0xff);
  if (fields.rco !== undefined) word |= FLAG_RCO;
  setFlags(view, at, word >>> 0);
  view.setUint32(at + 4, ((fields.vni << 8) | (fields.rco ?? 0)) >>> 0);
  return HEADER_LENGTH;
}

/** A policy of 0 with nothing said is no policy: Linux sends a plain header then (`vxlan_build_gbp_hdr`). */
function gbpWord({ id, dontLearn, policyApplied }: GroupPolicy): number {
  if (id === 0 && dontLearn !== true && policyApplied !== true) return 0;
  const bits = (dontLearn === true ? FLAG_GBP_DONT_LEARN : 0) | (policyApplied === true ? FLAG_GBP_POLICY_APPLIED : 0);
  return FLAG_GBP | bits | (id & GBP_ID_MASK);
}

export function print(view: DataView, at: number): string {
  return `VXLAN, flags [0x${flags(view, at).toString(16).padStart(8, "0")}], vni ${vni(view, at)}`;
}
