import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";

/** What sits at an end of a link: a host's device, or a bridge to the real world. */
export interface FrameSink {
  /** A frame arrived, `data` at its Ethernet destination address, without check sequence. The sink owns it now. */
  receiveFrame(frame: Packet, now: Nanos): void;
  /** The link went up or down. */
  carrierChanged?(up: boolean, now: Nanos): void;
}

/** One end of a link, as the device at it sees it. */
export interface LinkEnd {
  readonly name: string;
  /** Bytes of payload that an Ethernet frame may carry here (without the 14 bytes of header and 4 of a VLAN tag). */
  readonly mtu: number;
  readonly carrier: boolean;
  /** Bytes handed over whose bits have not all left yet. Absent: it cannot tell. */
  readonly backlog?: number;
  attach(sink: FrameSink): void;
  /** Puts a finished frame on the wire's queue. Takes it over, whatever becomes of it. */
  send(frame: Packet): void;
}
