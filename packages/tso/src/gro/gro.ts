import { invalidArgument, millis, type Nanos } from "@seville/core";
import { SKB_GSO_DODGY, type Packet } from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";
import { complete } from "./complete.ts";
import { isSameFlow, type Held } from "./held.ts";
import {
  GRO_HASH_BUCKETS,
  GRO_MAX_SIZE,
  MAX_GRO_SKBS,
  type Gro,
  type GroOptions,
  type GroResult,
  type GroStats,
} from "./options.ts";
import { parse, type ParseContext } from "./parse.ts";
import type { Parsed } from "./parsed.ts";
import { MAX_DATAGRAMS, receiveTcp, receiveUdp } from "./receive.ts";
import type { UdpTunnelShape } from "./tunnel-shape.ts";

/** Age is counted in ticks of HZ=1000. */
const JIFFY: Nanos = millis(1);

/**
 * Generic receive offload as a NAPI instance of Linux does it (net/core/gro.c): frames of one flow that follow each other
 * are merged into super-packets that {@link segment} splits into the same frames again. A super-packet is the first frame
 * with the payload of the others in `fragList`: nothing is copied.
 *
 * A packet's data begins at its frame's first byte. `packet.hash`, if the device gave one, picks the bucket.
 * @throws SevilleError `ERR_INVALID_ARGUMENT` for options that make no sense
 */
export function createGro(options: GroOptions): Gro {
  return new GroEngine(options);
}

class GroEngine implements Gro {
  readonly stats: GroStats = { received: 0, merged: 0, supers: 0, normal: 0 };
  readonly #sink: (packet: Packet) => void;
  readonly #link: LinkKind;
  readonly #maxSize: number;
  readonly #flushTimeout: Nanos;
  readonly #fragList: boolean;
  readonly #context: ParseContext;
  /** Oldest first. */
  readonly #buckets: Held[][] = Array.from({ length: GRO_HASH_BUCKETS }, () => []);
  #held = 0;
  #deadline: Nanos = Infinity;

  constructor(options: GroOptions) {
    this.#sink = options.sink;
    this.#link = options.link ?? "ethernet";
    this.#maxSize = options.maxSize ?? GRO_MAX_SIZE;
    this.#flushTimeout = options.flushTimeout ?? 0;
    this.#fragList = options.fragList ?? false;
    if (!(this.#maxSize > 0 && this.#maxSize <= GRO_MAX_SIZE)) {
      throw invalidArgument("maxSize", `more than 0 and at most ${GRO_MAX_SIZE}`, options.maxSize);
    }
    if (!(this.#flushTimeout >= 0)) throw invalidArgument("flushTimeout", "a number of ns", options.flushTimeout);
    const { udp } = options;
    this.#context = {
      link: this.#link,
      tunnels: byPort(options.tunnels ?? []),
      udp: typeof udp === "function" ? udp : () => udp === true || this.#fragList,
    };
  }

  get held(): number {
    return this.#held;
  }

  receive(packet: Packet, now: Nanos): GroResult {
    this.stats.received++;
    // A super-packet from a device that merges itself: only TCP, and only if it can be trusted. What is held of its flow goes first.
    const isForeign = packet.gsoSize !== 0 && !isTrusted(packet);
    const parsed = this.#mayMatter(packet, isForeign) ? parse(packet, this.#context, isForeign) : undefined;
    if (parsed === undefined) {
      this.#deliverNormal(packet);
      return "normal";
    }
    if (packet.gsoSize !== 0 && parsed.kind !== "tcp") parsed.flush = true;
    const bucket = this.#buckets[packet.hash & (GRO_HASH_BUCKETS - 1)] as Held[];
    const index = bucket.findIndex((one) => isSameFlow(one, packet, parsed));
    const held = bucket[index];
    const verdict =
      parsed.kind === "tcp"
        ? receiveTcp(held, packet, parsed, this.#merge)
        : receiveUdp(held, packet, parsed, this.#merge);
    if (held !== undefined && verdict.flushHeld) this.#finish(bucket, index);
    if (verdict.merged) {
      this.stats.merged++;
      return "merged";
    }
    if (verdict.flush) {
      this.#deliverNormal(packet);
      return "normal";
    }
    this.#hold(bucket, packet, parsed, now);
    return "held";
  }

  flush(): void {
    for (const bucket of this.#buckets) while (bucket.length > 0) this.#finish(bucket, 0);
    this.#deadline = Infinity;
  }

  flushOld(now: Nanos): void {
    const jiffy = Math.floor(now / JIFFY);
    for (const bucket of this.#buckets) {
      while (bucket[0] !== undefined && Math.floor(bucket[0].age / JIFFY) !== jiffy) this.#finish(bucket, 0);
    }
  }

  endOfPoll(now: Nanos): void {
    if (this.#flushTimeout === 0) {
      this.flush();
      return;
    }
    this.flushOld(now);
    this.#deadline = this.#held === 0 ? Infinity : now + this.#flushTimeout;
  }

  nextTimeout(): Nanos {
    return this.#held === 0 ? Infinity : this.#deadline;
  }

  handleTimeout(now: Nanos): void {
    if (now >= this.#deadline) this.flush();
  }

  /** What has fragments already goes on as it is, and so does what is never merged while nothing is held that it could overtake. */
  #mayMatter(packet: Packet, isForeign: boolean): boolean {
    return packet.fragList === undefined && !(isForeign && this.#held === 0);
  }

  #hold(bucket: Held[], packet: Packet, parsed: Parsed, now: Nanos): void {
    if (bucket.length >= MAX_GRO_SKBS) this.#finish(bucket, 0);
    const isSuper = packet.gsoSize !== 0;
    bucket.push({
      packet,
      parsed,
      count: isSuper ? packet.gsoSegs : 1,
      size: isSuper ? packet.gsoSize : parsed.payload,
      payload: parsed.payload,
      age: now,
      fixedId: [false, false],
      isList: this.#fragList && !isSuper && parsed.tunnel === undefined,
    });
    this.#held++;
  }

  /** `skb_gro_receive`: puts the payload behind that of `held`. `false`: that would be too much, or it must not be written. */
  readonly #merge = (held: Held, packet: Packet, parsed: Parsed): boolean => {
    const first = held.packet;
    const network = held.parsed.networks[0] as number;
    if (held.parsed.headerLength - network + held.payload + parsed.payload >= this.#maxSize) return false;
    if (held.isList && held.count >= MAX_DATAGRAMS) return false;
    if (!first.cowHead()) return false;
    const segments = packet.gsoSize !== 0 ? packet.gsoSegs : 1;
    packet.pull(parsed.headerLength);
    packet.gsoSize = 0;
    packet.gsoSegs = 0;
    (first.fragList ??= []).push(packet);
    held.payload += parsed.payload;
    held.count += segments;
    return true;
  };

  #finish(bucket: Held[], index: number): void {
    const [held] = bucket.splice(index, 1) as [Held];
    this.#held--;
    if (this.#held === 0) this.#deadline = Infinity;
    complete(held, this.#link);
    if (held.count === 1) this.stats.normal++;
    else this.stats.supers++;
    this.#sink(held.packet);
  }

  #deliverNormal(packet: Packet): void {
    this.stats.normal++;
    this.#sink(packet);
  }
}

/** Whether a super-packet's own word for what it is made of can be taken (`skb_is_gso_tcp`, SKB_GSO_DODGY). */
function isTrusted({ gsoType, gsoSegs }: Packet): boolean {
  return gsoType !== 0 && gsoSegs > 0 && (gsoType & SKB_GSO_DODGY) === 0;
}

function byPort(shapes: readonly UdpTunnelShape[]): Map<number, UdpTunnelShape> {
  const ports = new Map<number, UdpTunnelShape>();
  for (const shape of shapes) {
    for (const port of shape.ports) {
      if (ports.has(port)) throw invalidArgument("tunnels", "shapes with different ports", port);
      ports.set(port, shape);
    }
  }
  return ports;
}
