import { bindChecksum, isUnnecessary, pseudoHeader4, pseudoHeader6At, validate, verifySctp } from "@seville/checksum";
import { ipv4, tcp, type Packet } from "@seville/packet";
import { openUdp, type Host } from "@seville/stack";
import { INNER_PORT, SCTP_HEADERS } from "./inner-packet.ts";
import type { OffloadMeter } from "./meter.ts";

const IPPROTO_TCP = 6;
const IPPROTO_SCTP = 132;

/** What a host takes, as its protocols would: nothing that is not verified. */
export class Sink {
  /** Bytes of payload that arrived since it was read last. */
  #delivered = 0;
  readonly #meter: OffloadMeter;

  private constructor(host: Host, meter: OffloadMeter) {
    this.#meter = meter;
    for (const number of [IPPROTO_TCP, IPPROTO_SCTP]) {
      if (host.ipv4.protocols.has(number)) continue;
      host.registerProtocol(number, {
        name: "sink",
        takesFragments: true,
        receive: (packet, family) => {
          if (number === IPPROTO_TCP) this.#takeTcp(packet, family);
          else this.#takeSctp(packet);
          packet.release();
        },
      });
    }
    const socket = openUdp(host, { family: 6 });
    socket.bind({ port: INNER_PORT });
    socket.onReadable = () => {
      for (let datagram = socket.recvPacket(); datagram !== undefined; datagram = socket.recvPacket()) {
        this.#delivered += datagram.totalLength;
        datagram.release();
      }
    };
  }

  /** The sink of `host`; the same each time. */
  static of(host: Host, meter: OffloadMeter): Sink {
    let sink = sinks.get(host);
    if (sink === undefined) {
      sink = new Sink(host, meter);
      sinks.set(host, sink);
    }
    return sink;
  }

  /** Bytes of payload since it was asked last. */
  take(): number {
    const bytes = this.#delivered;
    this.#delivered = 0;
    return bytes;
  }

  #takeTcp(packet: Packet, family: 4 | 6): void {
    const { memory } = packet.pool;
    const { networkHeader: ip, data, totalLength } = packet;
    const pseudo =
      family === 4
        ? pseudoHeader4(ipv4.source(memory.view, ip), ipv4.destination(memory.view, ip), IPPROTO_TCP, totalLength)
        : pseudoHeader6At(memory.u8, ip + 8, ip + 24, IPPROTO_TCP, totalLength);
    if (validate(bindChecksum(memory), packet, pseudo) === "bad") return;
    this.#delivered += totalLength - tcp.headerLength(memory.view, data);
  }

  #takeSctp(packet: Packet): void {
    const kernels = bindChecksum(packet.pool.memory);
    const isKnown = isUnnecessary(packet);
    const isGood = isKnown || (packet.linearize() && verifySctp(kernels, packet.data, packet.length));
    this.#meter.note(packet.data, isKnown ? "unnecessary" : isGood ? "software" : "bad");
    if (isGood) this.#delivered += packet.totalLength - SCTP_HEADERS;
  }
}

const sinks = new WeakMap<Host, Sink>();
