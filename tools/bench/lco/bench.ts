import { bindChecksum, checksumHelp, fold } from "../../../packages/checksum/src/index.ts";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  compose,
  PacketPool,
  type Packet,
} from "../../../packages/packet/src/index.ts";
import { createTunnelContext, TunnelEndpoint, type TunnelContext } from "../../../packages/tunnel-encap/src/index.ts";
import type { BenchCase, BenchDefinition, TimedSide } from "../lib/types.ts";

/** Bytes of inner UDP payload: small, an Ethernet frame's worth, and a super-packet that went through unsegmented. */
const SIZES = [64, 1500, 65_000] as const;
/** What the sizes are called: the last is the most that fits beside the headers of an IP packet of 64 KiB. */
const NAMES = new Map<number, number>([[65_000, 65_536]]);

const INNER = 14;
const UDP_AT = INNER + 20;
const FIELD = 6;

/**
 * The CPU cost of an outer UDP checksum: VXLAN around a UDP packet whose own checksum is left to the device (PARTIAL). Ours wraps the
 * packet, which makes the outer checksum from headers (local checksum offload). The peers wrap it alike and sum everything from the
 * outer UDP header on, by the SIMD kernel (`payload`) or a loop of JavaScript (`payload-js`); that the inner checksum must then be
 * finished before is not even counted. `wrap alone` is the same without an outer checksum.
 */
export const bench: BenchDefinition = {
  title: "Outer UDP checksum of VXLAN: local checksum offload beside sums over the payload",
  cases: () => SIZES.flatMap((size) => casesOf(size)),
};

function casesOf(size: number): BenchCase[] {
  const lco = new Wrapper(size, true);
  const simd = new Wrapper(size, false);
  const js = new Wrapper(size, false);
  const none = new Wrapper(size, false);
  const ours: TimedSide = { name: "lco", run: (count) => repeat(count, () => lco.wrap()) };
  const payload: TimedSide = { name: "payload", run: (count) => repeat(count, () => simd.wrapAndSum(simd.simdSum)) };
  const payloadJs: TimedSide = { name: "payload-js", run: (count) => repeat(count, () => js.wrapAndSum(js.loopSum)) };
  const plain: TimedSide = { name: "wrap alone", run: (count) => repeat(count, () => none.wrap()) };
  const expected = lco.finished();
  for (const [name, got] of [
    ["payload", simd.wrapAndSum(simd.simdSum)],
    ["payload-js", js.wrapAndSum(js.loopSum)],
  ] as const) {
    if (got !== expected) throw new Error(`${name} ${size}: the outer checksum is ${got}, ours ${expected}`);
  }
  const common = { size: NAMES.get(size) ?? size, unit: "ns", better: "lower" } as const;
  return [{ case: "outer checksum", ...common, ours, peers: [payload, payloadJs, plain] }];
}

function repeat(count: number, once: () => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += once();
  return total;
}

/** One packet that is wrapped again and again. */
class Wrapper {
  readonly #packet: Packet;
  readonly #context: TunnelContext;
  readonly #endpoint: TunnelEndpoint;
  readonly #data: number;
  /** What the inner field holds while its checksum is left to the device, and once it is finished. */
  readonly #pseudo: number;
  readonly #inner: number;
  readonly #isPartial: boolean;
  readonly simdSum: (at: number, length: number, seed: number) => number;
  readonly loopSum: (at: number, length: number, seed: number) => number;

  constructor(size: number, udpcsum: boolean) {
    const pool = new PacketPool({ small: 4, jumbo: 4, super: 4 });
    const frame = compose([
      { ethernet: { destination: 2, source: 1 } },
      { ipv4: { source: 0x0a00_0001, destination: 0x0a00_0002 } },
      { udp: { sourcePort: 1000, destinationPort: 2000, checksum: 0 } },
      Uint8Array.from({ length: size }, (_, i) => (i * 31) & 0xff),
    ]);
    const packet = pool.from(frame, 128);
    if (packet === undefined) throw new Error("the pool is too small");
    const { u8, view } = pool.memory;
    this.#packet = packet;
    this.#data = packet.data;
    this.#context = createTunnelContext(pool.memory, { seed: 1 });
    const local = 0xc000_0201;
    this.#endpoint = new TunnelEndpoint(
      { kind: "vxlan", id: 7, local, remote: local + 1, udpcsum, ttl: 64 },
      this.#context,
    );
    this.#pseudo = fold(0x0a00 + 1 + 0x0a00 + 2 + 17 + 8 + size);
    const { sum } = bindChecksum(pool.memory);
    this.#isPartial = udpcsum;
    view.setUint16(packet.data + UDP_AT + FIELD, this.#pseudo);
    this.#inner = ~fold(sum(packet.data + UDP_AT, packet.tail - packet.data - UDP_AT)) & 0xffff;
    this.simdSum = sum;
    this.loopSum = (at, length, seed) => {
      let total = seed;
      const even = at + (length & ~1);
      for (let i = at; i < even; i += 2) total += view.getUint16(i);
      if ((length & 1) === 1) total += (u8[even] as number) << 8;
      return total;
    };
    packet.hash = 0x1234_5678;
  }

  /** Wraps the packet; its inner checksum stays PARTIAL. */
  wrap(): number {
    const packet = this.#packet;
    this.#reset();
    if (this.#endpoint.encapsulate(packet) !== "ok") throw new Error("it was not wrapped");
    return packet.pool.memory.view.getUint16(packet.transportHeader + FIELD);
  }

  /** Wraps it, its inner checksum finished, without an outer one, and sums all from the outer UDP header on. */
  wrapAndSum(sum: (at: number, length: number, seed: number) => number): number {
    this.wrap();
    const packet = this.#packet;
    const udp = packet.transportHeader;
    const length = packet.tail - udp;
    const pseudo = 0xc000 + 0x0201 + 0xc000 + 0x0202 + 17 + length;
    const outer = ~fold(sum(udp, length, pseudo)) & 0xffff;
    packet.pool.memory.view.setUint16(udp + FIELD, outer);
    return outer;
  }

  /** The outer checksum by local checksum offload, once the inner one has been finished and changes nothing. */
  finished(): number {
    const outer = this.wrap();
    const packet = this.#packet;
    if (!checksumHelp(this.#context.kernels, packet)) throw new Error("the inner checksum could not be finished");
    const udp = packet.transportHeader;
    const { kernels } = this.#context;
    const length = packet.tail - udp;
    const all = kernels.sum(udp, length, 0xc000 + 0x0201 + 0xc000 + 0x0202 + 17 + length);
    if (fold(all) !== 0xffff) throw new Error("the outer checksum is wrong");
    return outer;
  }

  #reset(): void {
    const packet = this.#packet;
    packet.data = this.#data;
    packet.encapsulation = false;
    packet.ipSummed = this.#isPartial ? CHECKSUM_PARTIAL : CHECKSUM_NONE;
    packet.csumStart = this.#data + UDP_AT;
    packet.csumOffset = FIELD;
    packet.protocol = 0;
    packet.pool.memory.view.setUint16(packet.csumStart + FIELD, this.#isPartial ? this.#pseudo : this.#inner);
  }
}
