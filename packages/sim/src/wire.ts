import { NEVER, type DropReason, type EventHandler, type EventId, type Nanos, type Scheduler } from "@seville/core";
import { ethernet, NO_HEADER, PACKET_HOST, vlan, type Packet } from "@seville/packet";
import { wholeNumber } from "./checks.ts";
import { DelayLine } from "./delay-line.ts";
import type { FrameSink, LinkEnd } from "./link-end.ts";
import type { LinkDirection, LinkTap } from "./link-tap.ts";

export interface WireOptions {
  readonly scheduler: Scheduler;
  /** Default `veth0` and `veth1`. */
  readonly ends?: readonly [string, string];
  /** Default 1500. */
  readonly mtu?: number;
}

export interface WireStats {
  framesIn: number;
  framesDelivered: number;
  framesDropped: number;
  dropped: Partial<Record<DropReason, number>>;
}

/**
 * An ideal pair of ends, as Linux's veth: no delay, no limit, no loss.
 *
 * Unlike a {@link Link} it is memory and not a cable: super-packets (`gsoSize`), unfinished checksums and VLAN tags beside the
 * bytes go through as they are. A frame arrives in an event of its own at the time at which it was sent, so that no sender is
 * called back while it sends (drivers/net/veth.c hands over through `netif_rx`).
 */
export class Wire {
  readonly a: LinkEnd;
  readonly b: LinkEnd;
  readonly #scheduler: Scheduler;
  readonly #taps: LinkTap[] = [];
  readonly #aToB: WireDirection;
  readonly #bToA: WireDirection;
  #up = true;
  #closed = false;

  constructor(options: WireOptions) {
    const { scheduler, ends = ["veth0", "veth1"] } = options;
    const mtu = wholeNumber("mtu", options.mtu ?? 1500, 68);
    this.#scheduler = scheduler;
    this.#aToB = new WireDirection("aToB", scheduler, mtu, this.#taps);
    this.#bToA = new WireDirection("bToA", scheduler, mtu, this.#taps);
    this.a = createEnd(ends[0], this, this.#aToB, this.#bToA);
    this.b = createEnd(ends[1], this, this.#bToA, this.#aToB);
  }

  get up(): boolean {
    return this.#up;
  }

  /** Takes both carriers away (what is under way is lost), or gives them back. */
  setUp(up: boolean): void {
    if (this.#closed || up === this.#up) return;
    this.#up = up;
    for (const direction of [this.#aToB, this.#bToA]) {
      direction.shut(up ? undefined : "LINK_DOWN");
    }
    const { now } = this.#scheduler;
    for (const direction of [this.#aToB, this.#bToA]) direction.sink?.carrierChanged?.(up, now);
  }

  stats(direction: LinkDirection): Readonly<WireStats> {
    return (direction === "aToB" ? this.#aToB : this.#bToA).stats;
  }

  /** Has `tap` see every frame from now on. Returns how to end that. */
  tap(tap: LinkTap): () => void {
    this.#taps.push(tap);
    return () => {
      const at = this.#taps.indexOf(tap);
      if (at >= 0) this.#taps.splice(at, 1);
    };
  }

  /** Releases what is under way, with reason `END_OF_RUN`. For good. */
  close(): void {
    this.#up = false;
    this.#closed = true;
    for (const direction of [this.#aToB, this.#bToA]) direction.shut("END_OF_RUN");
  }
}

class WireDirection implements EventHandler {
  readonly stats: WireStats = { framesIn: 0, framesDelivered: 0, framesDropped: 0, dropped: {} };
  readonly mtu: number;
  sink: FrameSink | undefined = undefined;
  readonly #direction: LinkDirection;
  readonly #scheduler: Scheduler;
  readonly #taps: readonly LinkTap[];
  readonly #underWay = new DelayLine();
  #sequence = 0;
  #closedBy: DropReason | undefined = undefined;
  #event: EventId = 0;
  #eventAt: Nanos = NEVER;

  constructor(direction: LinkDirection, scheduler: Scheduler, mtu: number, taps: readonly LinkTap[]) {
    this.#direction = direction;
    this.#scheduler = scheduler;
    this.mtu = mtu;
    this.#taps = taps;
  }

  send(frame: Packet): void {
    const { now } = this.#scheduler;
    this.stats.framesIn++;
    const refusal = this.#refusalOf(frame);
    if (refusal !== undefined) {
      this.#drop(frame, refusal);
      return;
    }
    for (const tap of this.#taps) tap.frame(this.#direction, "sent", frame, now);
    this.#underWay.push(frame, now, this.#sequence++);
    if (this.#eventAt !== NEVER) return;
    this.#eventAt = now;
    this.#event = this.#scheduler.schedule(now, this);
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#eventAt = NEVER;
    // Only those that were sent before this event: an answer to one of them takes its turn.
    for (let left = this.#underWay.size; left > 0 && this.#underWay.size > 0; left--) {
      const frame = this.#underWay.shift();
      if (this.sink === undefined) {
        this.#drop(frame, "DEV_READY");
        continue;
      }
      this.stats.framesDelivered++;
      for (const tap of this.#taps) tap.frame(this.#direction, "delivered", frame, now);
      scrub(frame);
      this.sink.receiveFrame(frame, now);
    }
  }

  /** Gives up what is under way for `reason`, and whatever comes until it is `undefined` again. */
  shut(reason: DropReason | undefined): void {
    this.#closedBy = reason;
    if (reason === undefined) return;
    if (this.#eventAt !== NEVER) this.#scheduler.cancel(this.#event);
    this.#eventAt = NEVER;
    while (this.#underWay.size > 0) this.#drop(this.#underWay.shift(), reason);
  }

  #refusalOf(frame: Packet): DropReason | undefined {
    if (this.#closedBy !== undefined) return this.#closedBy;
    if (frame.length < ethernet.HEADER_LENGTH) return "PKT_TOO_SMALL";
    // is_skb_forwardable() (net/core/dev.c): a tag's room is always granted, and a super-packet is cut up later.
    const tooLong = frame.gsoSize === 0 && frame.length > this.mtu + ethernet.HEADER_LENGTH + vlan.HEADER_LENGTH;
    return tooLong ? "LINK_MTU" : undefined;
  }

  #drop(frame: Packet, reason: DropReason): void {
    this.stats.framesDropped++;
    this.stats.dropped[reason] = (this.stats.dropped[reason] ?? 0) + 1;
    for (const tap of this.#taps) tap.frame(this.#direction, "dropped", frame, this.#scheduler.now, reason);
    frame.release();
  }
}

/** What a packet leaves behind when it goes from one namespace into another: skb_scrub_packet() and __dev_forward_skb(). */
function scrub(frame: Packet): void {
  frame.pktType = PACKET_HOST;
  frame.ifindex = 0;
  frame.mark = 0;
  frame.priority = 0;
  frame.queueMapping = 0;
  frame.protocol = 0;
  frame.macHeader = frame.data;
  if (frame.gsoSize !== 0) return;
  frame.networkHeader = NO_HEADER;
  frame.transportHeader = NO_HEADER;
}

function createEnd(name: string, wire: Wire, out: WireDirection, into: WireDirection): LinkEnd {
  return {
    name,
    mtu: out.mtu,
    get carrier() {
      return wire.up;
    },
    attach(sink) {
      into.sink = sink;
    },
    send: (frame) => out.send(frame),
  };
}
