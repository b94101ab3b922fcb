import { LITTLE_ENDIAN } from "./byte-order.ts";
import { ALIGNTO, HEADER_BYTES } from "./writer.ts";

/** `struct nlmsghdr` (include/uapi/linux/netlink.h) and where its payload lies. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The sender's port id; 0: the kernel. */
  readonly port: number;
  /** All bytes that hold the message, perhaps with others. */
  readonly view: DataView;
  /** Where the payload begins in `view`, and where the message ends. */
  readonly at: number;
  readonly end: number;
}

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;
/** Types below are control messages. */
export const NLMSG_MIN_TYPE = 0x10;

export const NLM_F_REQUEST = 0x01;
export const NLM_F_MULTI = 0x02;
export const NLM_F_ACK = 0x04;
export const NLM_F_ECHO = 0x08;
/** What was dumped changed meanwhile: the dump may lack entries or hold some twice. */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP_FILTERED = 0x20;
export const NLM_F_ROOT = 0x100;
export const NLM_F_MATCH = 0x200;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** On an NLMSG_ERROR: the request is not quoted whole; extended-ack attributes follow. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

/**
 * The messages in `bytes`, one after another. Ends at the first whose length does not fit (`NLMSG_OK`); `rest` of the
 * return value says how many bytes were left over.
 */
export function* messagesIn(bytes: Uint8Array): Generator<NetlinkMessage, { readonly rest: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const length = view.getUint32(at, LITTLE_ENDIAN);
    if (length < HEADER_BYTES || length > bytes.length - at) break;
    yield {
      type: view.getUint16(at + 4, LITTLE_ENDIAN),
      flags: view.getUint16(at + 6, LITTLE_ENDIAN),
      sequence: view.getUint32(at + 8, LITTLE_ENDIAN),
      port: view.getUint32(at + 12, LITTLE_ENDIAN),
      view,
      at: at + HEADER_BYTES,
      end: at + length,
    };
    at += (length + ALIGNTO - 1) & ~(ALIGNTO - 1);
  }
  return { rest: Math.max(0, bytes.length - at) };
}
