import type { Nanos } from "@seville/core";
import type { IpAddress, Packet } from "@seville/packet";

/**
 * What the output path asks of the neighbours of one interface and family; `src/neighbour/` implements it.
 *
 * A packet for a neighbour whose address is not known yet waits there, up to a limit; it leaves by
 * `NetInterface.sendTo`, or is dropped and reported through `Host.neighbourFailed`.
 */
export interface NeighbourOutput {
  /** Takes `packet`, `data` at the network header, and sends it to the link-layer address of `nextHop`. */
  resolveAndSend(nextHop: IpAddress, packet: Packet, now: Nanos): void;
  /** An upper layer knows that `nextHop` is reached (RFC 4861 §7.3.1): TCP by an ACK, UDP by `MSG_CONFIRM`. */
  confirm(nextHop: IpAddress, now: Nanos): void;
  /** Forgets everything, as when the interface goes down: waiting packets are dropped. */
  flush(now: Nanos): void;
}
