import { readAttributes, writeAttributes, type AttributeTable, type Reading } from "./attribute.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR, type NetlinkMessage } from "./message.ts";
import { bytes, text, u32 } from "./types.ts";
import { HEADER_BYTES, type NetlinkWriter } from "./writer.ts";

/** What an acknowledgement says beyond the number (`enum nlmsgerr_attrs`). */
export interface ExtendedAck {
  /** A sentence for people. */
  readonly message?: string;
  /** Where in the request the attribute at fault begins, from the request's header. */
  readonly offset?: number;
  readonly cookie?: Uint8Array;
  /** The attribute that the request lacks, and the nest in which it should have been. */
  readonly missType?: number;
  readonly missNest?: number;
}

const extendedAck: AttributeTable<ExtendedAck> = {
  message: [1, text()],
  offset: [2, u32],
  cookie: [3, bytes(0, 20)],
  missType: [5, u32],
  missNest: [6, u32],
};

/** NLMSG_ERROR, or NLMSG_DONE, whose payload may be an error too. */
export interface Acknowledgement {
  /** A negative errno; 0: success. Of NLMSG_DONE a positive number is no error either. */
  readonly error: number;
  readonly extended: ExtendedAck;
}

/**
 * Reads NLMSG_ERROR or NLMSG_DONE. Errors of a dump come in the *DONE*: a reader that ignores its payload reports "nothing
 * there" instead.
 *
 * @returns `undefined`: it is neither, or too short
 */
export function readAcknowledgement(message: NetlinkMessage): Acknowledgement | undefined {
  const { type, flags, view, at, end } = message;
  if (type !== NLMSG_ERROR && type !== NLMSG_DONE) return undefined;
  if (end - at < 4) return type === NLMSG_DONE ? { error: 0, extended: {} } : undefined;
  const error = view.getInt32(at, LITTLE_ENDIAN);
  if ((flags & NLM_F_ACK_TLVS) === 0) return { error, extended: {} };
  let from = at + 4;
  if (type === NLMSG_ERROR) {
    if (end - from < HEADER_BYTES) return undefined;
    // The request is quoted: its header, and all of it unless it was capped or there was no error.
    const quoted = (flags & NLM_F_CAPPED) === 0 && error !== 0 ? view.getUint32(from, LITTLE_ENDIAN) : HEADER_BYTES;
    if (quoted > end - from) return { error, extended: {} };
    from += (Math.max(quoted, HEADER_BYTES) + 3) & ~3;
  }
  const reading: Reading = { strict: false, problem: undefined };
  return { error, extended: from <= end ? readAttributes(extendedAck, view, from, end, reading) : {} };
}

/** The request that is answered: its header's fields, and its bytes for quoting. */
export interface Quoted {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes NLMSG_ERROR for `request`: a negative errno, or 0 to acknowledge. The request is quoted whole with an error
 * (unless `capped`), else its header alone (`netlink_ack` in net/netlink/af_netlink.c).
 */
export function writeAcknowledgement(
  out: NetlinkWriter,
  request: Quoted,
  error: number,
  extended: ExtendedAck = {},
  capped = false,
): void {
  const hasExtended = Object.values(extended).some((value) => value !== undefined);
  const quotesAll = error !== 0 && !capped;
  const flags = (hasExtended ? NLM_F_ACK_TLVS : 0) | (quotesAll ? 0 : NLM_F_CAPPED);
  out.message(NLMSG_ERROR, flags, request.sequence, request.port, () => {
    out.u32(error);
    out.raw(quotesAll ? request.bytes : request.bytes.subarray(0, HEADER_BYTES)).align();
    if (hasExtended) writeAttributes(out, extendedAck, extended);
  });
}

/** Writes NLMSG_DONE, the end of a dump, with what went wrong in it (0: nothing). */
export function writeDone(
  out: NetlinkWriter,
  { sequence, port }: Pick<Quoted, "sequence" | "port">,
  error: number,
  extended: ExtendedAck = {},
  flags = 0,
): void {
  const hasExtended = Object.values(extended).some((value) => value !== undefined);
  out.message(NLMSG_DONE, NLM_F_MULTI | flags | (hasExtended ? NLM_F_ACK_TLVS : 0), sequence, port, () => {
    out.u32(error);
    if (hasExtended) writeAttributes(out, extendedAck, extended);
  });
}
