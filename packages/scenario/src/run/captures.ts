import { formatMac, parseMac, type Packet } from "@seville/packet";
import { PcapngWriter, type ByteSink } from "@seville/packet/pcapng";
import type { DropReason, Nanos } from "@seville/core";
import type { Link, LinkDirection } from "@seville/sim";
import type { CaptureResult } from "../results.ts";
import type { Captures } from "../types.ts";

/** Where a capture's bytes go. Called once for each interface, before time begins. */
export type CaptureOpener = (interfaceName: string) => ByteSink;

/** Bytes of an Ethernet header. */
const ETH_HLEN = 14;

const ENOUGH_TO_TELL = 32;

/** What the record that is about to be written holds: its bytes are a copy. */
interface Pending {
  time: Nanos;
  length: number;
  direction: "inbound" | "outbound";
  dropReason: DropReason | undefined;
  /** Slot of the packet, to recognise it when a host drops it. 0: nothing is pending. */
  head: number;
}

/**
 * The pcapng file of one interface.
 *
 * A record is written when the next one comes: so what becomes of a frame in the same instant (the line loses it, the host
 * that got it drops it) can stand in its comment.
 */
export class InterfaceCapture {
  readonly #writer: PcapngWriter;
  readonly #number: number;
  readonly #bytes = new Uint8Array(65_600);
  readonly #pending: Pending = { time: 0, length: 0, direction: "inbound", dropReason: undefined, head: 0 };
  #frames = 0;
  #octets = 0;

  constructor(
    name: string,
    mac: number | undefined,
    speed: number | undefined,
    snaplen: number | undefined,
    sink: ByteSink,
  ) {
    this.#writer = new PcapngWriter(sink, { application: "Seville" });
    this.#number = this.#writer.addInterface({
      name,
      ...(mac === undefined ? {} : { macAddress: macBytes(mac) }),
      ...(speed === undefined ? {} : { speed }),
      ...(snaplen === undefined ? {} : { snapLength: snaplen }),
    });
  }

  frame(packet: Packet, direction: "inbound" | "outbound", time: Nanos, dropReason?: DropReason): void {
    this.flush();
    const pending = this.#pending;
    const { data, tail } = packet;
    pending.length = tail - data;
    this.#bytes.set(packet.pool.memory.u8.subarray(data, tail));
    pending.time = time;
    pending.direction = direction;
    pending.dropReason = dropReason;
    pending.head = packet.head;
  }

  /** The packet of the last record, if it is that one, has gone no further. */
  dropped(packet: Packet, reason: DropReason): void {
    if (this.#pending.head === packet.head && this.#endsAlike(packet)) this.#pending.dropReason ??= reason;
  }

  /** Slots are used again at once: the same slot with another end holds another packet. */
  #endsAlike({ pool, data, tail }: Packet): boolean {
    const { length } = this.#pending;
    const compared = Math.min(ENOUGH_TO_TELL, length, tail - data);
    const { u8 } = pool.memory;
    for (let i = 1; i <= compared; i++) if (u8[tail - i] !== this.#bytes[length - i]) return false;
    return true;
  }

  /** A frame that failed its check sequence: `kept` bytes of it, marked. */
  badFrame(packet: Packet, time: Nanos, kept: number): void {
    this.flush();
    const { data, tail } = packet;
    const length = Math.min(kept, tail - data);
    this.#count(tail - data);
    this.#writer.packet({
      interface: this.#number,
      time,
      data: packet.pool.memory.u8.subarray(data, data + length),
      originalLength: tail - data,
      direction: "inbound",
      dropReason: "LINK_FCS",
      crcError: true,
    });
  }

  /** Writes the record that waits. */
  flush(): void {
    const { time, length, direction, dropReason, head } = this.#pending;
    if (head === 0) return;
    this.#pending.head = 0;
    this.#count(length);
    this.#writer.packet({
      interface: this.#number,
      time,
      data: this.#bytes.subarray(0, length),
      direction,
      ...(dropReason === undefined ? {} : { dropReason }),
    });
  }

  finish(): { frames: number; bytes: number } {
    this.flush();
    this.#writer.flush();
    return { frames: this.#frames, bytes: this.#octets };
  }

  #count(length: number): void {
    this.#frames++;
    this.#octets += length;
  }
}

/** All captures of a run, by `host:interface` or attachment. */
export class CaptureSet {
  readonly at: "wire" | "host";
  readonly #open: CaptureOpener | undefined;
  readonly #options: Captures;
  readonly #files = new Map<string, InterfaceCapture>();

  constructor(open: CaptureOpener | undefined, at: "wire" | "host", options: Captures) {
    this.#open = open;
    this.at = at;
    this.#options = options;
  }

  /** The capture of an interface; `undefined` if nobody wants it. */
  open(name: string, mac: number | undefined, speed: number | undefined): InterfaceCapture | undefined {
    if (this.#open === undefined || this.#options.interfaces?.includes(name) === false) return undefined;
    const capture = new InterfaceCapture(name, mac, speed, this.#options.snaplen, this.#open(name));
    this.#files.set(name, capture);
    return capture;
  }

  get(name: string): InterfaceCapture | undefined {
    return this.#files.get(name);
  }

  /** Taps the wire at both ends of a link; with `at: host` only where no host is, at attachments. */
  tapWire(link: Link, ends: readonly [string, string]): void {
    const [a, b] = ends.map((end) => (this.at === "host" && end.includes(":") ? undefined : this.get(end)));
    if (a === undefined && b === undefined) return;
    const kept = { header: ETH_HLEN, full: Infinity, none: 0 }[this.#options.fcsErrors ?? "header"];
    link.tap({
      frame(direction: LinkDirection, point, frame, now, reason) {
        const [sender, receiver] = direction === "aToB" ? [a, b] : [b, a];
        if (point === "sent") sender?.frame(frame, "outbound", now);
        else if (point === "delivered") receiver?.frame(frame, "inbound", now);
        else if (reason === "LINK_FCS") {
          if (kept > 0) receiver?.badFrame(frame, now, kept);
        } else if (reason === "LINK_LOSS" || reason === "LINK_PARTITION") sender?.dropped(frame, reason);
        else if (NEVER_SENT.has(reason as DropReason)) sender?.frame(frame, "outbound", now, reason);
      },
    });
  }

  finish(): CaptureResult[] {
    return [...this.#files].map(([name, file]) => ({ interface: name, at: this.at, ...file.finish() }));
  }
}

/** Reasons for which a link refuses a frame before it is on the wire: it is captured with that mark, or it would be nowhere. */
export const NEVER_SENT: ReadonlySet<DropReason> = new Set([
  "QDISC_DROP",
  "QDISC_OVERLIMIT",
  "QDISC_CONGESTED",
  "FQ_CODEL_DROP",
  "CODEL_DROP",
  "RED_DROP",
  "POLICER",
  "LINK_MTU",
  "PKT_TOO_BIG",
]);

function macBytes(mac: number): Uint8Array {
  return Uint8Array.from(formatMac(mac).split(":"), (octet) => Number.parseInt(octet, 16));
}

/** The Ethernet address that a scenario gives, or a made-up one: 02:53:56, then the number of host and interface. */
export function macFor(text: string | undefined, host: number, iface: number): number {
  return text === undefined ? 0x02_53_56_00_00_00 + host * 256 + iface : parseMac(text);
}
