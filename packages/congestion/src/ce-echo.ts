import type { CongestionState } from "./congestion-state.ts";

/**
 * The receiver's half of DCTCP (RFC 8257 §3.2, net/ipv4/tcp_dctcp.h): every ACK tells of packets that were all marked or
 * all unmarked. When the mark changes, a delayed ACK for what came before goes out at once, with its own ECE.
 */
export class CeEcho {
  /** The last data packet was marked. */
  ceState = false;
  readonly #state: CongestionState;
  #priorRcvNxt = 0;

  constructor(state: CongestionState) {
    this.#state = state;
  }

  init(): void {
    this.ceState = false;
    this.#priorRcvNxt = this.#state.ackPort?.rcvNxt ?? 0;
  }

  /** A data packet arrived, and RCV.NXT has moved over it. */
  received(marked: boolean): void {
    const port = this.#state.ackPort;
    if (port === undefined) return;
    if (this.ceState !== marked) {
      if (port.ackTimerPending) {
        port.demandCwr = this.ceState;
        port.sendAck(this.#priorRcvNxt);
      }
      port.ackNow();
    }
    this.#priorRcvNxt = port.rcvNxt;
    this.ceState = marked;
    port.demandCwr = marked;
  }
}
