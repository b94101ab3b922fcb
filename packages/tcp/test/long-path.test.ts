import { createRandom, type Nanos } from "@seville/core";
import { expect, test } from "vitest";
import { linuxSettings, type TcpConnection, type TcpOutput } from "../src/index.ts";
import { LOST, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "../src/tx-segment.ts";
import { Pair, type PairOptions } from "./pair.ts";

const RTT: Nanos = 100_000_000;
const settings = { ...linuxSettings(), tcp_rmem: [4096, 131_072, 33_554_432] as [number, number, number] };

/** 100 Mbit/s with a buffer of one bandwidth-delay product, behind a line that loses packets by chance. */
function longPath(loss: number, seed = 1): PairOptions["fate"] & object {
  const random = createRandom(seed);
  let free = 0;
  return (output: TcpOutput, from: number, now: Nanos) => {
    const leaves = Math.max(now, output.departure);
    if (from === 1) return [leaves + RTT / 2];
    if (random.bool(loss)) return [];
    const start = Math.max(free, leaves);
    const bits = (output.packet.length + 20) * 8;
    if (((start - leaves) * 100e6) / 1e9 / 8 > 1_250_000) return [];
    free = start + (bits * 1e9) / 100e6;
    return [free + RTT / 2];
  };
}

interface Transfer {
  readonly pair: Pair;
  readonly sender: TcpConnection;
  readonly received: () => number;
}

/** Fills the path with bytes that never end. */
function bulk(congestion: string, fate: NonNullable<PairOptions["fate"]>): Transfer {
  const pair = new Pair({ endpoint: { settings }, fate: (_o, _f, now) => [now + RTT / 2] });
  pair.keepSent = false;
  const [sender, receiver] = pair.open({}, { options: { congestion } });
  pair.fate = fate;
  let received = 0;
  const source = new Uint8Array(65_536);
  const sink = new Uint8Array(1 << 20);
  pair.onEvent = (end, event) => {
    if (end === 0 && event.type === "writable") while (pair.ends[0].send(sender, source, 0, pair.now) > 0);
    if (end !== 1 || event.type !== "readable") return;
    for (let n = 1; n > 0;) received += Math.max(0, (n = pair.ends[1].receive(receiver, sink, 0, pair.now)));
  };
  while (pair.send(0, sender, source) > 0);
  return { pair, sender, received: () => received };
}

/** What the scoreboard's counters must be, counted anew. */
function recount(c: TcpConnection): {
  packets: number;
  sacked: number;
  lost: number;
  retrans: number;
  entries: number;
} {
  const sums = { packets: 0, sacked: 0, lost: 0, retrans: 0, entries: c.rtxQueue?.length ?? 0 };
  for (let i = 0; i < sums.entries; i++) {
    const segment = c.rtxQueue?.at(i) as TxSegment;
    sums.packets += segment.pcount;
    if ((segment.sacked & SACKED_ACKED) !== 0) sums.sacked += segment.pcount;
    if ((segment.sacked & LOST) !== 0) sums.lost += segment.pcount;
    if ((segment.sacked & SACKED_RETRANS) !== 0) sums.retrans += segment.pcount;
    const next = c.rtxQueue?.at(i + 1);
    if (next !== undefined) expect([next.seq, next.offset]).toEqual([segment.endSeq, segment.offset + segment.length]);
  }
  return sums;
}

test("tcp_shift_skb_data: what is SACKed between two holes is one entry of the queue, and the counters agree with it", () => {
  const { pair, sender } = bulk("bbr", longPath(0.02));
  let most = 0;
  for (let i = 0; i < 60; i++) {
    pair.run(50_000_000);
    const { packets, sacked, lost, retrans, entries } = recount(sender);
    expect([packets, sacked, lost, retrans]).toEqual([
      sender.packetsOut,
      sender.sackedOut,
      sender.lostOut,
      sender.retransOut,
    ]);
    if (sacked > 300) {
      most = Math.max(most, sacked);
      // A hole for each loss, what lies between, and what is in flight: not one for each packet.
      expect(entries).toBeLessThan(packets * 0.5);
    }
  }
  expect(most).toBeGreaterThan(300);
  expect(pair.ends[0].extMib.TCPSackShifted + pair.ends[0].extMib.TCPSackMerged).toBeGreaterThan(1000);
});

test("tcp_rate_check_app_limited: a writer that waits for room in the buffer does not make the rate samples application-limited", () => {
  const { pair, sender } = bulk("bbr", longPath(0));
  pair.run(500_000_000);
  for (let i = 0; i < 20; i++) {
    pair.run(50_000_000);
    expect(sender.appLimited).toBe(0);
  }
});

test.each([
  [0, 0.92],
  [0.01, 0.85],
])("draft-ietf-ccwg-bbr: BBR keeps a path of 100 Mbit/s and 100 ms busy at a loss of %f", (loss, share) => {
  const { pair, received } = bulk("bbr", longPath(loss));
  pair.run(2_500_000_000);
  const before = received();
  pair.run(3_000_000_000);
  const rate = ((received() - before) * 8) / 3;
  expect(rate / (100e6 * (1448 / 1500) * (1 - loss))).toBeGreaterThan(share);
});

test("the rest of a super-segment that was acknowledged in part gives a rate sample too", () => {
  const { pair, sender } = bulk("bbr", longPath(0));
  pair.run(2_000_000_000);
  for (let i = 0; i < (sender.rtxQueue?.length ?? 0); i++) {
    const segment = sender.rtxQueue?.at(i) as TxSegment;
    if ((segment.sacked & SACKED_ACKED) === 0) expect(segment.deliveredMstamp).toBeGreaterThan(0);
  }
  expect(sender.rtxQueue?.first()?.pcount).toBeGreaterThan(1);
});
