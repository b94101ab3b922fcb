import type { HeaderFault } from "@seville/packet";

/*
 * ERSPAN headers (draft-foschiano-erspan-03 §4), behind a GRE header. Type I has none. Type II, and with version 2 the
 * first word of type III:
 *
 *    0       4                      16    19  21 22                 31
 *   +-------+------------------------+-----+---+-+-------------------+
 *   |  ver  |          VLAN          | COS |En |T|    session id     |
 *   +-------+-----------+------------+-----+---+-+-------------------+
 *   |      reserved     |                   index                    |
 *   +-------------------+--------------------------------------------+
 *
 * Type III goes on with:
 *
 *   +----------------------------------------------------------------+
 *   |                           timestamp                            |
 *   +--------------------------------+-+---------+-----------+-+---+-+
 *   |       security group tag       |P|   FT    |   hw id   |D|Gra|O|
 *   +--------------------------------+-+---------+-----------+-+---+-+
 *   |         platform-specific subheader, 8 bytes (if O)            |
 *   +----------------------------------------------------------------+
 */
/** GRE's protocol type of types I and II. */
export const ETH_P_ERSPAN = 0x88be;
/** GRE's protocol type of type III. */
export const ETH_P_ERSPAN2 = 0x22eb;

export const TYPE_II_LENGTH = 8;
export const TYPE_III_LENGTH = 12;
export const SUBHEADER_LENGTH = 8;
/** What the version field holds in types II and III. */
export const VERSION_II = 1;
export const VERSION_III = 2;
export const MAX_SESSION_ID = 0x3ff;
export const MAX_INDEX = 0xf_ffff;

/** Values of {@link ErspanHeader.encapsulation} of type II: how the mirrored frame was tagged. */
export const ENCAP_NO_VLAN = 0;
export const ENCAP_ISL = 1;
export const ENCAP_8021Q = 2;
/** The tag is preserved within the frame. */
export const ENCAP_VLAN_PRESERVED = 3;

/** Units of type III's timestamp. */
export const GRANULARITY_100_US = 0;
export const GRANULARITY_100_NS = 1;
export const GRANULARITY_IEEE1588 = 2;

interface ErspanCommon {
  /** Of the mirrored frame; 0: none. */
  readonly vlan?: number | undefined;
  /** Class of service, 0 to 7. */
  readonly cos?: number | undefined;
  /** Type II: how the frame was tagged. Type III: bad, short, oversized. */
  readonly encapsulation?: number | undefined;
  /** The frame was cut. */
  readonly truncated?: boolean | undefined;
  /** 10 bits. */
  readonly sessionId: number;
}

export interface ErspanTypeII extends ErspanCommon {
  readonly version: typeof VERSION_II;
  /** 20 bits: port and direction. */
  readonly index: number;
}

export interface ErspanTypeIII extends ErspanCommon {
  readonly version: typeof VERSION_III;
  readonly timestamp: number;
  readonly sgt?: number | undefined;
  /** The payload is an Ethernet frame. Default `true`. */
  readonly isEthernet?: boolean | undefined;
  readonly frameType?: number | undefined;
  /** 6 bits. */
  readonly hwId: number;
  /** Seen leaving, not coming in. */
  readonly egress: boolean;
  readonly granularity?: number | undefined;
  /** 8 bytes that belong to the platform. */
  readonly subheader?: Uint8Array | undefined;
}

export type ErspanHeader = ErspanTypeII | ErspanTypeIII;

/** {@link VERSION_II} or {@link VERSION_III}. */
export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4;
}

export function vlan(view: DataView, at: number): number {
  return view.getUint16(at) & 0xfff;
}

export function cos(view: DataView, at: number): number {
  return view.getUint8(at + 2) >>> 5;
}

export function encapsulation(view: DataView, at: number): number {
  return (view.getUint8(at + 2) >>> 3) & 3;
}

export function truncated(view: DataView, at: number): boolean {
  return (view.getUint8(at + 2) & 0x04) !== 0;
}

export function sessionId(view: DataView, at: number): number {
  return view.getUint16(at + 2) & MAX_SESSION_ID;
}

/** Of type II. */
export function index(view: DataView, at: number): number {
  return view.getUint32(at + 4) & MAX_INDEX;
}

/** Of type III. */
export function timestamp(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** Of type III: whether a subheader follows. */
export function hasSubheader(view: DataView, at: number): boolean {
  return (view.getUint8(at + 11) & 1) !== 0;
}

/** Bytes of the header at `at`, which must have passed {@link check}. */
export function headerLength(view: DataView, at: number): number {
  if (version(view, at) === VERSION_II) return TYPE_II_LENGTH;
  return TYPE_III_LENGTH + (hasSubheader(view, at) ? SUBHEADER_LENGTH : 0);
}

/** What makes the bytes from `at` to `end` no header of type II or III; `undefined`: nothing. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < TYPE_II_LENGTH) return "truncated";
  if (version(view, at) === VERSION_II) return undefined;
  if (version(view, at) !== VERSION_III) return "bad-version";
  if (end - at < TYPE_III_LENGTH) return "truncated";
  return headerLength(view, at) > end - at ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): ErspanHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  const common = {
    vlan: vlan(view, at),
    cos: cos(view, at),
    encapsulation: encapsulation(view, at),
    truncated: truncated(view, at),
    sessionId: sessionId(view, at),
  };
  if (version(view, at) === VERSION_II) return { version: VERSION_II, ...common, index: index(view, at) };
  const bits = view.getUint16(at + 10);
  const subheader = hasSubheader(view, at)
    ? new Uint8Array(view.buffer.slice(view.byteOffset + at + 12, view.byteOffset + at + 20))
    : undefined;
  return {
    version: VERSION_III,
    ...common,
    timestamp: timestamp(view, at),
    sgt: view.getUint16(at + 8),
    isEthernet: (bits & 0x8000) !== 0,
    frameType: (bits >>> 10) & 0x1f,
    hwId: (bits >>> 4) & 0x3f,
    egress: (bits & 0x8) !== 0,
    granularity: (bits >>> 1) & 3,
    subheader,
  };
}

/** Bytes that {@link write} will write. */
export function lengthOf(fields: ErspanHeader): number {
  if (fields.version === VERSION_II) return TYPE_II_LENGTH;
  return TYPE_III_LENGTH + (fields.subheader === undefined ? 0 : SUBHEADER_LENGTH);
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: ErspanHeader): number {
  view.setUint16(at, (fields.version << 12) | ((fields.vlan ?? 0) & 0xfff));
  const flags =
    ((fields.cos ?? 0) << 13) | ((fields.encapsulation ?? 0) << 11) | (fields.truncated === true ? 0x400 : 0);
  view.setUint16(at + 2, flags | (fields.sessionId & MAX_SESSION_ID));
  if (fields.version === VERSION_II) {
    view.setUint32(at + 4, fields.index & MAX_INDEX);
    return TYPE_II_LENGTH;
  }
  view.setUint32(at + 4, fields.timestamp);
  view.setUint16(at + 8, fields.sgt ?? 0);
  const isEthernet = fields.isEthernet === false ? 0 : 0x8000;
  const middle = ((fields.frameType ?? 0) << 10) | ((fields.hwId & 0x3f) << 4) | (fields.egress ? 0x8 : 0);
  const hasSub = fields.subheader === undefined ? 0 : 1;
  view.setUint16(at + 10, isEthernet | middle | ((fields.granularity ?? 0) << 1) | hasSub);
  if (fields.subheader === undefined) return TYPE_III_LENGTH;
  for (let i = 0; i < SUBHEADER_LENGTH; i++) view.setUint8(at + 12 + i, fields.subheader[i] ?? 0);
  return TYPE_III_LENGTH + SUBHEADER_LENGTH;
}

export function print(view: DataView, at: number): string {
  const type = version(view, at) === VERSION_II ? "II" : "III";
  const more = type === "II" ? `index ${index(view, at)}` : `ts ${timestamp(view, at)}`;
  return `ERSPAN type ${type}, session ${sessionId(view, at)}, vlan ${vlan(view, at)}, ${more}`;
}
