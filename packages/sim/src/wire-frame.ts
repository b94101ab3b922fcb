import { SevilleError } from "@seville/core";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, ethernet, NO_HEADER, PACKET_HOST, vlan, type Packet } from "@seville/packet";
import { MAX_TAGS } from "./frame-headers.ts";

/**
 * A wire carries finished frames. Whoever hands over anything else has forgotten a device's work (checksum, segmentation, VLAN
 * tag, linearisation), which is a bug of the caller and not a fault of the line.
 */
export function unfinishedWork(frame: Packet): string | undefined {
  if (frame.ipSummed === CHECKSUM_PARTIAL) return "its checksum is not filled in (ipSummed is CHECKSUM_PARTIAL)";
  if (frame.gsoSize !== 0) return `it is not segmented (gsoSize is ${frame.gsoSize})`;
  if (frame.vlanTci !== -1) return "its VLAN tag is not in its bytes (vlanTci is set)";
  if (frame.fragList !== undefined) return "it is not linear (fragList is set)";
  return undefined;
}

export function unfinishedFrame(link: string, why: string): SevilleError {
  return new SevilleError("ERR_UNFINISHED_FRAME", `${link} carries finished frames only: ${why}`, "frame");
}

/** Longest frame that a line of this MTU carries: with its Ethernet header, and up to two VLAN tags if it bears them. */
export function longestFrame(frame: Packet, mtu: number): number {
  const { view } = frame.pool.memory;
  let longest = mtu + ethernet.HEADER_LENGTH;
  let typeAt = frame.data + 12;
  for (let tags = 0; tags < MAX_TAGS && typeAt + 2 <= frame.tail && vlan.isTag(view.getUint16(typeAt)); tags++) {
    longest += vlan.HEADER_LENGTH;
    typeAt += vlan.HEADER_LENGTH;
  }
  return longest;
}

export function isRunt(frame: Packet): boolean {
  return frame.length < ethernet.HEADER_LENGTH;
}

/** Bytes are all that comes through a wire: what the sending host noted about them stays behind. */
export function forgetSender(frame: Packet): void {
  frame.macHeader = frame.data;
  frame.networkHeader = NO_HEADER;
  frame.transportHeader = NO_HEADER;
  frame.innerMacHeader = NO_HEADER;
  frame.innerNetworkHeader = NO_HEADER;
  frame.innerTransportHeader = NO_HEADER;
  frame.encapsulation = false;
  frame.protocol = 0;
  frame.pktType = PACKET_HOST;
  frame.ifindex = 0;
  frame.hash = 0;
  frame.mark = 0;
  frame.priority = 0;
  frame.queueMapping = 0;
  frame.ipSummed = CHECKSUM_NONE;
  frame.csum = 0;
  frame.csumStart = 0;
  frame.csumOffset = 0;
  frame.csumLevel = 0;
  frame.csumNotInet = false;
  frame.gsoSegs = 0;
  frame.gsoType = 0;
  frame.cb = 0;
}
