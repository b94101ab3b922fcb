import { writeIpv4HeaderChecksum } from "@seville/checksum";
import { CHECKSUM_UNNECESSARY, ipv4, ipv6, tcp, type Packet } from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";
import { setHeaders } from "./complete.ts";
import { isSameFlow, type Held } from "./held.ts";
import { GRO_MAX_SIZE, type GroResult } from "./options.ts";
import { parse, type ParseContext } from "./parse.ts";
import type { Parsed } from "./parsed.ts";

export interface LroOptions {
  readonly sink: (packet: Packet) => void;
  /** Default: `ethernet`. */
  readonly link?: LinkKind;
  /** Flows at a time. Default 32. */
  readonly maxFlows?: number;
  /** Segments in one packet. Default 64. */
  readonly maxSegments?: number;
}

/** Large receive offload: the ancestor of GRO, in NICs. */
export interface Lro {
  receive(packet: Packet): GroResult;
  flush(): void;
  readonly held: number;
}

const TIMESTAMPS = 0x0101_080a;

/**
 * Large receive offload as NICs and the kernel's former net/ipv4/inet_lro.c did it. It is lossy: differing TTLs, TOS bytes
 * and identifications are forgotten, acknowledgment, window and timestamps are those of the last segment. What it makes can
 * be delivered but not split again, so it says so (`isLro`: gsoSize without gsoType) and forwarding must refuse it; `segment`
 * does (S15). Devices turn it off where packets are forwarded or bridged.
 */
export function createLro(options: LroOptions): Lro {
  return new LroEngine(options);
}

class LroEngine implements Lro {
  readonly #options: LroOptions;
  readonly #context: ParseContext;
  readonly #held: Held[] = [];

  constructor(options: LroOptions) {
    this.#options = options;
    this.#context = { link: options.link ?? "ethernet", tunnels: new Map(), udp: () => false };
  }

  get held(): number {
    return this.#held.length;
  }

  receive(packet: Packet): GroResult {
    const parsed = packet.fragList === undefined && packet.gsoSize === 0 ? parse(packet, this.#context) : undefined;
    if (parsed?.kind !== "tcp" || parsed.flush || parsed.tunnel !== undefined) return this.#normal(packet);
    const index = this.#held.findIndex((one) => isSameFlow(one, packet, parsed));
    const held = this.#held[index];
    if (!isPlain(packet, parsed)) {
      if (held !== undefined) this.#finish(index);
      return this.#normal(packet);
    }
    if (held !== undefined) {
      if (this.#merge(held, packet, parsed)) {
        if (isPushed(packet, parsed) || held.count >= (this.#options.maxSegments ?? 64)) this.#finish(index);
        return "merged";
      }
      this.#finish(index);
    }
    if (this.#held.length >= (this.#options.maxFlows ?? 32)) this.#finish(0);
    this.#held.push({
      packet,
      parsed,
      count: 1,
      size: parsed.payload,
      payload: parsed.payload,
      age: 0,
      fixedId: [false, false],
      isList: false,
    });
    return "held";
  }

  flush(): void {
    while (this.#held.length > 0) this.#finish(0);
  }

  /** Takes over what the later segment knows better; its payload goes behind. */
  #merge(held: Held, packet: Packet, parsed: Parsed): boolean {
    const first = held.packet;
    const { view, u8 } = packet.pool.memory;
    const from = first.data + held.parsed.transport;
    const at = packet.data + parsed.transport;
    if (parsed.headerLength !== held.parsed.headerLength) return false;
    if ((tcp.sequence(view, from) + held.payload) >>> 0 !== tcp.sequence(view, at)) return false;
    // An acknowledgment that goes back would be lost.
    if (((tcp.acknowledgment(view, at) - tcp.acknowledgment(view, from)) | 0) < 0) return false;
    const network = held.parsed.networks[0] as number;
    if (held.parsed.headerLength - network + held.payload + parsed.payload >= GRO_MAX_SIZE) return false;
    if (!first.cowHead()) return false;
    const to = first.data + held.parsed.transport;
    tcp.setAcknowledgment(view, to, tcp.acknowledgment(view, at));
    tcp.setWindow(view, to, tcp.window(view, at));
    tcp.setFlags(view, to, tcp.flags(view, to) | (tcp.flags(view, at) & tcp.PSH));
    u8.copyWithin(to + 20, at + 20, packet.data + parsed.headerLength);
    packet.pull(parsed.headerLength);
    (first.fragList ??= []).push(packet);
    held.payload += parsed.payload;
    held.count++;
    return true;
  }

  #finish(index: number): void {
    const [held] = this.#held.splice(index, 1) as [Held];
    complete(held, this.#context.link);
    this.#options.sink(held.packet);
  }

  #normal(packet: Packet): GroResult {
    this.#options.sink(packet);
    return "normal";
  }
}

/** Nothing but data and acknowledgments, and no options but timestamps as they are usually laid out. */
function isPlain(packet: Packet, parsed: Parsed): boolean {
  const { view } = packet.pool.memory;
  const at = packet.data + parsed.transport;
  const options = parsed.headerLength - parsed.transport - 20;
  if (parsed.payload === 0 || (tcp.flags(view, at) & ~tcp.PSH) !== tcp.ACK) return false;
  return options === 0 || (options === 12 && view.getUint32(at + 20) === TIMESTAMPS);
}

function isPushed(packet: Packet, parsed: Parsed): boolean {
  // Its headers have been pulled: they are before its data.
  const { view } = packet.pool.memory;
  return (tcp.flags(view, packet.data - parsed.headerLength + parsed.transport) & tcp.PSH) !== 0;
}

function complete(held: Held, link: LinkKind): void {
  const { packet, parsed } = held;
  if (held.count === 1) return;
  const { view } = packet.pool.memory;
  const [network] = parsed.networks as [number];
  const total = packet.totalLength;
  setHeaders(packet, parsed, link);
  const at = packet.data + network;
  if (parsed.versions[0] === 6) ipv6.setPayloadLength(view, at, total - network - 40);
  else {
    ipv4.setTotalLength(view, at, total - network);
    writeIpv4HeaderChecksum(view, at);
  }
  packet.ipSummed = CHECKSUM_UNNECESSARY;
  packet.csumLevel = 0;
  packet.gsoSize = held.size;
  packet.gsoSegs = held.count;
  packet.gsoType = 0;
}
