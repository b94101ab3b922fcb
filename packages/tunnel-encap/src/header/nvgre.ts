import { ETH_P_TEB, type HeaderFault } from "@seville/packet";
import * as gre from "./gre.ts";

/*
 * NVGRE header, RFC 7637 §3.2: a GRE header in which K is set, C and S are not, and the key is split:
 *
 *    0 1 2 3                  13    16                              31
 *   +-+-+-+-+------------------+-----+-------------------------------+
 *   |0| |1|0|     reserved     |  0  |      protocol type 0x6558     |
 *   +-+-+-+-+------------------+-----+---------------+---------------+
 *   |        virtual subnet id (VSID), 24 bits       |    FlowID     |
 *   +------------------------------------------------+---------------+
 */
export const HEADER_LENGTH = 8;
export const MAX_VSID = 0xff_ffff;
/** VSIDs below are reserved (RFC 7637 §3.1). */
export const MIN_VSID = 0x1000;

export interface NvgreHeader {
  /** 24 bits. */
  readonly vsid: number;
  /** Entropy for paths; 0 where there is none. */
  readonly flowId: number;
}

/** 24 bits. */
export function vsid(view: DataView, at: number): number {
  return view.getUint32(at + 4) >>> 8;
}

export function flowId(view: DataView, at: number): number {
  return view.getUint8(at + 7);
}

/** The GRE key that VSID and FlowID make. */
export function keyOf(vsid: number, flowId: number): number {
  return ((vsid << 8) | (flowId & 0xff)) >>> 0;
}

/** What makes the bytes from `at` to `end` no NVGRE header; `undefined`: nothing. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  const fault = gre.check(view, at, end);
  if (fault !== undefined) return fault;
  const bits = gre.flags(view, at) & (gre.FLAG_CHECKSUM | gre.FLAG_KEY | gre.FLAG_SEQUENCE);
  return bits === gre.FLAG_KEY && gre.protocol(view, at) === ETH_P_TEB ? undefined : "bad-value";
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): NvgreHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return { vsid: vsid(view, at), flowId: flowId(view, at) };
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: NvgreHeader): number {
  return gre.write(view, at, { protocol: ETH_P_TEB, key: keyOf(fields.vsid, fields.flowId) });
}

export function print(view: DataView, at: number): string {
  return `NVGRE, vsid ${vsid(view, at)}, flow ${flowId(view, at)}`;
}
