import type { EventHandler, EventId, Nanos } from "@seville/core";
import { PACKET_HOST, type Packet } from "@seville/packet";
import { createResequencer, type Resequencer, type ResequencerOptions, type ResequencerStats } from "@seville/tso";
import { errnoError } from "../host/errno.ts";
import type { NetInterface } from "../interface/net-interface.ts";

/** What an interface puts into order. */
export interface Resequencing {
  readonly stats: Readonly<ResequencerStats>;
  /** Packets that wait. */
  readonly held: number;
  /** Lets go of what waits, and ends it. */
  disable(): void;
}

/**
 * Has `iface` put the TCP segments that it receives into order before the stack sees them, for paths that spray. It is
 * the interface's `rxHandler`.
 * @throws SevilleError `EBUSY` if the interface has another; `ERR_INVALID_ARGUMENT`
 */
export function enableResequencing(
  iface: NetInterface,
  options: Omit<ResequencerOptions, "sink" | "link"> = {},
): Resequencing {
  if (iface.rxHandler !== undefined) throw errnoError("EBUSY", `${iface.name} has a receive handler already`, "iface");
  return new ResequencingInterface(iface, options);
}

class ResequencingInterface implements Resequencing, EventHandler {
  readonly #iface: NetInterface;
  readonly #resequencer: Resequencer;
  readonly #forget: () => void;
  #event: EventId | undefined;
  /** The interface is gone: nobody takes packets from it any more. */
  #isGone = false;

  constructor(iface: NetInterface, options: Omit<ResequencerOptions, "sink" | "link">) {
    this.#iface = iface;
    this.#resequencer = createResequencer({ ...options, link: "raw", sink: (packet) => this.#deliver(packet) });
    iface.rxHandler = (packet, _iface, now) => this.#receive(packet, now);
    this.#forget = iface.host.notifier.listen((event) => {
      if (event.type !== "interface-removed" || event.iface !== iface) return;
      this.#isGone = true;
      this.disable();
    });
  }

  get stats(): Readonly<ResequencerStats> {
    return this.#resequencer.stats;
  }

  get held(): number {
    return this.#resequencer.held;
  }

  disable(): void {
    this.#iface.rxHandler = undefined;
    this.#forget();
    if (this.#event !== undefined) this.#iface.host.scheduler.cancel(this.#event);
    this.#event = undefined;
    this.#resequencer.flush();
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    this.#resequencer.handleTimeout(now);
    this.#arm();
  }

  #receive(packet: Packet, now: Nanos): boolean {
    // What is for others, or for all, is not ours to hold up.
    if (packet.pktType !== PACKET_HOST) return true;
    this.#resequencer.receive(packet, now);
    this.#arm();
    return false;
  }

  /** One event is pending while something waits; what came in the meantime has a later deadline. */
  #arm(): void {
    if (this.#event !== undefined || this.#resequencer.held === 0) return;
    const { scheduler, now } = this.#iface.host;
    this.#event = scheduler.schedule(Math.max(now, this.#resequencer.nextTimeout()), this);
  }

  #deliver(packet: Packet): void {
    const { host } = this.#iface;
    const handler = host.etherTypes.get(packet.protocol);
    if (this.#isGone || handler === undefined) {
      host.drop(packet, this.#isGone ? "DEV_READY" : "UNHANDLED_PROTO", this.#iface);
      return;
    }
    handler(packet, this.#iface, host.now);
  }
}
