import type { DropReason } from "@seville/core";
import type { HostPortStats } from "./counters.ts";

/** Ethernet's header: two addresses and the EtherType, in bytes. A frame that is shorter is none. */
export const ETH_HLEN = 14;
/** One 802.1Q tag, in bytes. */
export const VLAN_HLEN = 4;
/** The longest frame that a port moves: an IP packet of 65535 bytes behind Ethernet's header and a VLAN tag. */
export const MAX_FRAME_BYTES: number = 65_535 + ETH_HLEN + VLAN_HLEN;

/** Is told what a {@link HostPort} receives. */
export interface PortListener {
  /**
   * A frame came in: `length` bytes of `memory` from `offset`, at its Ethernet destination address, without check
   * sequence. The bytes are the port's: copy what is to stay.
   *
   * @param arrivedAt when it came, on the clock of {@link monotonicNow} (ns)
   */
  receiveFrame(memory: Uint8Array, offset: number, length: number, arrivedAt: number): void;
  /** The port broke (its device was deleted, say) and moves no more frames. It still wants to be closed. */
  portFailed(error: Error): void;
}

/**
 * A place where frames of the real world come and go: a TAP device, a UDP socket, a stream.
 *
 * Its memory is bounded: what does not fit is dropped and counted. Made by `openTap`, `openUdpPort`, `openStreamPort`.
 */
export interface HostPort {
  /** For people: `tap tap0`, `udp 127.0.0.1:5102`. */
  readonly name: string;
  /** Starts to deliver. Called once; frames that came in between the opening and this are delivered first. */
  listen(listener: PortListener): void;
  /**
   * Puts a frame out: `length` bytes of `memory` from `offset`. What cannot go out now is dropped and counted; nothing
   * waits for longer than the host's socket buffers do.
   */
  sendFrame(memory: Uint8Array, offset: number, length: number): void;
  stats(): HostPortStats;
  /** Stops, frees what the port holds, and resolves when all of it is gone. A second call gets the same promise. */
  close(): Promise<void>;
}

/** Why a frame of `length` bytes is none that a port may move, or `undefined`. */
export function frameLengthFault(length: number, maxFrameBytes: number): DropReason | undefined {
  if (length < ETH_HLEN) return "PKT_TOO_SMALL";
  return length > maxFrameBytes ? "PKT_TOO_BIG" : undefined;
}
