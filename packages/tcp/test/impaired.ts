import { createRandom } from "@seville/core";
import type { TcpConnection } from "../src/index.ts";
import { type Fate, Pair, type PairOptions } from "./pair.ts";

/** What a pipe does to segments. */
export interface Impairments {
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly delay: number;
}

/** Draws fates from `seed`. A corrupted packet has a burst of at most 15 bits flipped, which the checksum always finds. */
export function impair(seed: number | string, pool: Pair["pool"], impairments: Impairments): Fate {
  const random = createRandom(seed).fork("fate");
  return (output, _from, now) => {
    if (random.bool(impairments.loss)) return [];
    let at = now + impairments.delay;
    if (random.bool(impairments.reorder)) at += random.below(impairments.delay * 2 + 1);
    if (random.bool(impairments.corrupt)) {
      const { packet } = output;
      if (packet.cow()) {
        const length = packet.tail - packet.transportHeader;
        const bits = 1 + random.below(15);
        const start = random.below(length * 8 - bits);
        for (let bit = start; bit < start + bits; bit++) {
          if (bit > start && bit < start + bits - 1 && random.bool(0.5)) continue;
          const byte = packet.transportHeader + (bit >> 3);
          pool.memory.u8[byte] = (pool.memory.u8[byte] as number) ^ (0x80 >> (bit & 7));
        }
      }
    }
    return random.bool(impairments.duplicate) ? [at, at + random.below(impairments.delay)] : [at];
  };
}

/** How a transfer ended. */
export interface Outcome {
  readonly received: readonly [number, number];
  readonly errors: readonly string[];
  readonly intact: boolean;
  readonly closed: boolean;
}

/** The byte at `offset` of what end `from` sends. */
export function byteAt(from: number, offset: number): number {
  return (offset * 167 + (offset >>> 7) * 13 + from * 101) & 0xff;
}

/**
 * Both ends send `lengths` bytes to each other in pieces and close. Every byte that is read is checked against what was written, so that
 * nothing arrives twice, late, out of order or changed without notice.
 */
export function exchange(
  seed: number,
  impairments: Impairments,
  lengths: readonly [number, number],
  options: PairOptions = {},
): Outcome {
  const pair = new Pair({ seed, ...options });
  pair.keepSent = false;
  pair.fate = impair(seed, pair.pool, impairments);
  const dice = createRandom(seed).fork("user");
  const conns: [TcpConnection | undefined, TcpConnection | undefined] = [undefined, undefined];
  const written: [number, number] = [0, 0];
  const received: [number, number] = [0, 0];
  const shut: [boolean, boolean] = [false, false];
  const ended: [boolean, boolean] = [false, false];
  const errors: string[] = [];
  let intact = true;
  const into = new Uint8Array(70_000);
  const listener = pair.ends[1].listen({ port: 80 }, pair.now);

  const write = (end: 0 | 1): void => {
    const c = conns[end];
    const total = lengths[end];
    if (c === undefined || shut[end] || errors.length > 0) return;
    while (written[end] < total) {
      const count = Math.min(total - written[end], 1 + dice.below(dice.bool(0.2) ? 20_000 : 3000));
      const bytes = new Uint8Array(count);
      for (let i = 0; i < count; i++) bytes[i] = byteAt(end, written[end] + i);
      const took = pair.ends[end].send(c, bytes, 0, pair.now);
      if (took === 0) return;
      written[end] += took;
    }
    shut[end] = true;
    pair.ends[end].shutdown(c, "write", pair.now);
  };
  const read = (end: 0 | 1): void => {
    const c = conns[end];
    if (c === undefined || ended[end]) return;
    for (;;) {
      let count: number;
      try {
        count = pair.ends[end].receive(c, into.subarray(0, 1 + dice.below(70_000)), 0, pair.now);
      } catch {
        return;
      }
      if (count < 0) return;
      if (count === 0) {
        ended[end] = true;
        return;
      }
      for (let i = 0; i < count; i++) if (into[i] !== byteAt(1 - end, received[end] + i)) intact = false;
      received[end] += count;
    }
  };
  pair.onEvent = (index, event) => {
    const end = index as 0 | 1;
    if (event.type === "accept") {
      const c = pair.ends[1].accept(listener, pair.now);
      if (c !== undefined) {
        conns[1] = c;
        write(1);
        read(1);
      }
    } else if (event.type === "connected") write(end);
    else if (event.type === "writable") write(end);
    else if (event.type === "readable") read(end);
    else if (event.type === "error") errors.push(`${end} ${event.errno}`);
  };
  conns[0] = pair.connect();
  pair.run(86_400_000_000_000, () => errors.length > 0 || (ended[0] && ended[1]));
  const closed = ended[0] && ended[1];
  for (const end of [0, 1] as const) {
    const c = conns[end];
    if (c !== undefined) pair.close(end, c);
  }
  pair.run(600_000_000_000);
  pair.finish();
  return { received, errors, intact, closed };
}
