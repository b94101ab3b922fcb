import { invalidArgument, jhash2, reciprocalScale } from "@seville/core";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, type Packet } from "@seville/packet";
import { TUNNEL_PARSER } from "../hardware/silicon.ts";
import { parseFrame } from "../hardware/receive-parse.ts";

/** Which transmit queues a CPU, or what came in by a receive queue, may use (`/sys/class/net/*\/queues/tx-*\/xps_cpus`). */
export interface XpsMaps {
  /** By CPU: the transmit queues, most preferred first. */
  readonly cpus?: ReadonlyMap<number, readonly number[]>;
  /** By receive queue (`xps_rxqs`); looked at first. */
  readonly rxQueues?: ReadonlyMap<number, readonly number[]>;
}

/**
 * Chooses a transmit queue as `netdev_pick_tx` does: the receive queue on which the flow comes in, then XPS by CPU, then
 * the flow's hash. One flow always has one queue, or its packets would overtake each other.
 */
export class TransmitSteering {
  #queues: number;
  #maps: XpsMaps = {};
  readonly #seed: number;

  constructor(queues: number, seed = 0) {
    this.#queues = queues;
    this.#seed = seed;
  }

  get maps(): XpsMaps {
    return this.#maps;
  }

  /** @throws SevilleError `ERR_INVALID_ARGUMENT` for a queue that there is not */
  setMaps(maps: XpsMaps): void {
    for (const map of [maps.cpus, maps.rxQueues]) {
      for (const [, queues] of map ?? []) for (const queue of queues) this.#require(queue);
    }
    this.#maps = maps;
  }

  /** Maps that name queues which are no more are forgotten (`netif_reset_xps_queues_gt`). */
  setQueues(queues: number): void {
    this.#queues = queues;
    const prune = (map?: ReadonlyMap<number, readonly number[]>): ReadonlyMap<number, readonly number[]> =>
      new Map([...(map ?? [])].map(([by, list]) => [by, list.filter((queue) => queue < queues)]));
    this.#maps = { cpus: prune(this.#maps.cpus), rxQueues: prune(this.#maps.rxQueues) };
  }

  /**
   * @param cpu the CPU that sends, where the host has several
   * @param rxQueue the receive queue of the socket's flow, if known (`sk_rx_queue_get`)
   */
  pick(packet: Packet, cpu?: number, rxQueue?: number): number {
    if (this.#queues === 1) return 0;
    const hash = txHash(packet, this.#seed);
    const mapped = this.#mapped(this.#maps.rxQueues, rxQueue, hash) ?? this.#mapped(this.#maps.cpus, cpu, hash);
    if (mapped !== undefined) return mapped;
    if (rxQueue !== undefined) return rxQueue % this.#queues;
    return reciprocalScale(hash, this.#queues);
  }

  #mapped(
    map: ReadonlyMap<number, readonly number[]> | undefined,
    by: number | undefined,
    hash: number,
  ): number | undefined {
    const queues = by === undefined ? undefined : map?.get(by);
    if (queues === undefined || queues.length === 0) return undefined;
    return queues[queues.length === 1 ? 0 : reciprocalScale(hash, queues.length)];
  }

  #require(queue: number): void {
    if (Number.isInteger(queue) && queue >= 0 && queue < this.#queues) return;
    throw invalidArgument("queue", `0 to ${this.#queues - 1}`, queue);
  }
}

const PROTOCOLS = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, sctp: IPPROTO_SCTP, gre: 47 } as const;
const words = new Uint32Array(10);

/** The packet's flow hash, computed and kept if it has none. */
function txHash(packet: Packet, seed: number): number {
  if (packet.hash !== 0) return packet.hash;
  const { view } = packet.pool.memory;
  const { transports, network } = parseFrame(view, packet.data, packet.tail, TUNNEL_PARSER);
  if (network === -1) return 0;
  const transport = transports[0];
  const isV4 = view.getUint8(network) >>> 4 === 4;
  const addressWords = isV4 ? 2 : 8;
  let count = 0;
  for (let i = 0; i < addressWords; i++) words[count++] = view.getUint32(network + (isV4 ? 12 : 8) + 4 * i);
  words[count++] = transport === undefined || transport.protocol === "gre" ? 0 : view.getUint32(transport.at);
  words[count++] = transport === undefined ? 0 : PROTOCOLS[transport.protocol];
  packet.hash = jhash2(words, seed, count) || 1;
  return packet.hash;
}
