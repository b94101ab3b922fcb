import type { Nanos } from "../../../packages/core/src/index.ts";
import { FIN, PSH } from "../language/tcp-flags.ts";
import type { SystemUnderTest } from "../sut/system.ts";
import { decodePacket } from "../wire/decode.ts";
import type { WirePacket, WireTcp } from "../wire/packet.ts";

/** A packet that went out and that no line has claimed yet. */
export interface Sniffed {
  readonly at: Nanos;
  readonly packet: WirePacket;
  /** Payload bytes per segment of a super-packet; 0: it is none. */
  readonly gsoSize: number;
}

export type SniffedSegment = Sniffed & { readonly tcp: WireTcp };

/** The packets that went out, oldest first. */
export class Capture {
  readonly #sut: SystemUnderTest;
  readonly #tcpInUdp: boolean;
  readonly #queue: Sniffed[] = [];

  constructor(sut: SystemUnderTest, tcpInUdp: boolean) {
    this.#sut = sut;
    this.#tcpInUdp = tcpInUdp;
  }

  /** Takes over what the device has seen since. */
  collect(): void {
    for (let next = this.#sut.take(); next !== undefined; next = this.#sut.take()) {
      const packet = decodePacket(next.bytes, { verify: next.summed, tcpInUdp: this.#tcpInUdp });
      this.#queue.push({ at: next.at, packet, gsoSize: next.gsoSize });
    }
  }

  /** The oldest packet that `wanted` accepts; those before it are passed over, as by packetdrill's filter. */
  next(wanted: (packet: WirePacket) => boolean): Sniffed | undefined {
    this.collect();
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined) return undefined;
      this.#queue.shift();
      if (wanted(first.packet)) return first;
    }
  }

  /** Puts a packet back in front. */
  putBack(packet: Sniffed): void {
    this.#queue.unshift(packet);
  }
}

/** Splits a super-packet: its first `length` bytes, and the rest. PSH and FIN are the last part's. */
export function splitSegment(segment: SniffedSegment, length: number): [SniffedSegment, SniffedSegment] {
  const { tcp, packet } = segment;
  const make = (part: WireTcp): SniffedSegment => ({ ...segment, tcp: part, packet: { ...packet, body: part } });
  return [
    make({ ...tcp, flags: tcp.flags & ~(PSH | FIN), payload: tcp.payload.subarray(0, length) }),
    make({ ...tcp, seq: (tcp.seq + length) >>> 0, payload: tcp.payload.subarray(length) }),
  ];
}

/** Whether `second` goes on where `first` ends and says nothing else, so that a receiver could merge them. */
export function continues(first: SniffedSegment, second: SniffedSegment): boolean {
  const a = first.tcp;
  const b = second.tcp;
  return (
    b.seq === (a.seq + a.payload.length) >>> 0 &&
    b.payload.length > 0 &&
    b.ack === a.ack &&
    b.options.length === a.options.length &&
    ((a.flags ^ b.flags) & ~(PSH | FIN)) === 0 &&
    (a.flags & FIN) === 0 &&
    first.packet.ecn === second.packet.ecn
  );
}

/** Two segments as one. */
export function mergeSegments(first: SniffedSegment, second: SniffedSegment): SniffedSegment {
  const payload = new Uint8Array(first.tcp.payload.length + second.tcp.payload.length);
  payload.set(first.tcp.payload);
  payload.set(second.tcp.payload, first.tcp.payload.length);
  const tcp = { ...first.tcp, payload, window: second.tcp.window, flags: first.tcp.flags | second.tcp.flags };
  return { ...first, tcp, packet: { ...first.packet, body: tcp } };
}
