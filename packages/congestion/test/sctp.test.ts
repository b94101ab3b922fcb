import { describe, expect, test } from "vitest";
import { bbr, cubic, newReno, packetWindow, type PathCongestion, sctpNewReno, type TxRecord } from "../src/index.ts";
import { MS, SEC, testRandom } from "./helpers.ts";

const PMDCS = 1452;

/** A sender of full chunks that keeps its window full, over a path that acknowledges every chunk an RTT later. */
class Sender {
  now = 0;
  tsn = 1;
  cumTsn = 0;
  readonly outstanding = new Map<number, { bytes: number; tx: TxRecord; again: boolean }>();
  readonly path: PathCongestion;

  constructor(path: PathCongestion) {
    this.path = path;
  }

  fill(bytes = PMDCS): number {
    let sent = 0;
    while (this.path.flightSize < this.path.cwnd) {
      const chunk = { tsn: this.tsn++, bytes };
      this.outstanding.set(chunk.tsn, { bytes, tx: this.path.sent(this.now, chunk, false), again: false });
      sent++;
    }
    return sent;
  }

  /** One SACK: `tsns` arrive, `lost` are given up. */
  sack(tsns: readonly number[], lost: readonly number[] = [], outcome = {}): void {
    this.path.beginSack(this.now);
    for (const tsn of tsns) {
      const chunk = this.outstanding.get(tsn)!;
      this.path.delivered({ tsn, bytes: chunk.bytes }, chunk.tx, chunk.again);
      this.outstanding.delete(tsn);
    }
    for (const tsn of lost) {
      const chunk = this.outstanding.get(tsn)!;
      this.path.lost({ tsn, bytes: chunk.bytes }, chunk.tx);
    }
    while (this.cumTsn + 1 < this.tsn && !this.outstanding.has(this.cumTsn + 1)) this.cumTsn++;
    this.path.endSack({ cumTsnAck: this.cumTsn, rttUs: 50_000, ...outcome });
  }

  resend(tsn: number): void {
    const chunk = this.outstanding.get(tsn)!;
    chunk.tx = this.path.sent(this.now, { tsn, bytes: chunk.bytes }, true);
    chunk.again = true;
  }

  /** Fills the window and acknowledges it, two chunks per SACK. */
  round(): void {
    this.fill();
    this.now += 50 * MS;
    const tsns = [...this.outstanding.keys()];
    for (let i = 0; i < tsns.length; i += 2) {
      this.now += 10_000;
      this.sack(tsns.slice(i, i + 2));
    }
  }
}

function association(options = {}): Sender {
  return new Sender(sctpNewReno({ pmdcs: PMDCS, rwnd: 1e6, ...options }));
}

describe("Z: SCTP's congestion control (RFC 9260 §7.2)", () => {
  test("Z1: §7.2.1: the first window is min(4 PMDCS, max(2 PMDCS, 4404)), the first ssthresh the peer's window", () => {
    for (const [pmdcs, cwnd] of [
      [1452, 4404],
      [500, 2000],
      [4000, 8000],
    ] as const) {
      expect(sctpNewReno({ pmdcs, rwnd: 77_777 })).toMatchObject({ cwnd, ssthresh: 77_777 });
    }
  });

  test("Z2: §7.2.1: slow start grows by what a SACK acknowledged, at most PMDCS, while the window is used", () => {
    const flow = association();
    flow.fill();
    const before = flow.path.cwnd;
    flow.sack([1, 2]);
    expect(flow.path.cwnd).toBe(before + PMDCS);
    // Now less than the window is in flight.
    flow.sack([3]);
    expect(flow.path.cwnd).toBe(before + PMDCS);
    const small = association();
    small.fill(100);
    small.sack([1]);
    expect(small.path.cwnd).toBe(4404 + 100);
  });

  test("Z2: §7.2.1: with L = 2 by two of them", () => {
    const flow = association({ l: 2 });
    flow.fill();
    flow.sack([1, 2]);
    expect(flow.path.cwnd).toBe(4404 + 2 * PMDCS);
  });

  test("Z3: §7.2.2: above ssthresh one PMDCS per window acknowledged, counted in partial_bytes_acked", () => {
    const flow = association({ rwnd: 4000 });
    flow.fill();
    let acked = 0;
    const cwnds: number[] = [];
    for (let tsn = 1; tsn <= 30; tsn++) {
      flow.sack([tsn]);
      acked += PMDCS;
      if (flow.path.cwnd !== cwnds.at(-1)) cwnds.push(flow.path.cwnd);
      flow.fill();
    }
    // Each packet more costs a window more.
    expect(cwnds).toEqual([0, 1, 2, 3, 4, 5].map((n) => 4404 + n * PMDCS).slice(0, cwnds.length));
    const spent = cwnds.slice(0, -1).reduce((sum, cwnd) => sum + cwnd, 0);
    expect(flow.path.partialBytesAcked).toBe(acked - spent);
    flow.sack([...flow.outstanding.keys()]);
    expect(flow.path.partialBytesAcked).toBe(0);
  });

  test("Z3: §7.2.2: in an unused window the count stops at cwnd; duplicates count", () => {
    const flow = association({ rwnd: 4000 });
    flow.fill();
    flow.sack([1], [], { duplicateBytes: 100 });
    expect(flow.path.partialBytesAcked).toBe(PMDCS + 100);
    flow.sack([2]);
    flow.sack([3]);
    expect(flow.path.cwnd).toBe(4404);
    expect(flow.path.partialBytesAcked).toBe(4404);
  });

  test("Z4: §7.2.3, §7.2.4: a loss halves the window once per recovery, to four PMDCS at least", () => {
    const flow = association();
    for (let round = 0; round < 5; round++) flow.round();
    flow.fill();
    const before = flow.path.cwnd;
    const [first, second, third] = [...flow.outstanding.keys()] as [number, number, number];
    flow.sack([third], [first]);
    expect(flow.path).toMatchObject({
      cwnd: Math.floor(before / 2),
      ssthresh: Math.floor(before / 2),
      inFastRecovery: true,
    });
    flow.sack([third + 1], [second]);
    expect(flow.path.cwnd).toBe(Math.floor(before / 2));
    flow.resend(first);
    flow.resend(second);
    flow.sack([...flow.outstanding.keys()]);
    expect(flow.path.inFastRecovery).toBe(false);
    const small = association();
    small.fill();
    small.sack([2], [1]);
    expect(small.path.cwnd).toBe(4 * PMDCS);
  });

  test("Z5: §7.2.3: a timeout leaves one PMDCS", () => {
    const flow = association();
    for (let round = 0; round < 4; round++) flow.round();
    flow.fill();
    const before = flow.path.cwnd;
    flow.path.timeout(flow.now);
    expect(flow.path).toMatchObject({
      cwnd: PMDCS,
      ssthresh: Math.max(Math.floor(before / 2), 4 * PMDCS),
      flightSize: 0,
      partialBytesAcked: 0,
    });
  });

  test("Z6: §7.2.1: an idle address halves its window per RTO down to four PMDCS, and remembers it", () => {
    const flow = association();
    for (let round = 0; round < 6; round++) flow.round();
    const before = flow.path.cwnd;
    flow.path.idle(flow.now);
    expect(flow.path).toMatchObject({ cwnd: Math.floor(before / 2), ssthresh: before });
    for (let i = 0; i < 9; i++) flow.path.idle(flow.now);
    expect(flow.path).toMatchObject({ cwnd: 4 * PMDCS, ssthresh: before });
  });

  test("Z7: §6.1 D: Max.Burst holds the window to the flight and four packets", () => {
    const flow = association();
    for (let round = 0; round < 6; round++) flow.round();
    flow.path.limitBurst(4);
    expect(flow.path.cwnd).toBe(4 * PMDCS);
  });

  test("Z8: an ECN-Echo is answered as a loss, once per window", () => {
    const flow = association();
    for (let round = 0; round < 5; round++) flow.round();
    flow.fill();
    const before = flow.path.cwnd;
    const [first, second] = [...flow.outstanding.keys()] as [number, number];
    flow.sack([first], [], { ecnEcho: true });
    flow.sack([second], [], { ecnEcho: true });
    expect(flow.path.cwnd).toBe(Math.floor(before / 2));
  });
});

describe("Z: algorithms in packets under SCTP", () => {
  function adapted(algorithm = newReno()): Sender {
    return new Sender(packetWindow(algorithm, { pmdcs: PMDCS, random: testRandom(), initCwnd: 4 }));
  }

  test("Z9: the window is packets of PMDCS bytes, and slow start doubles it", () => {
    const flow = adapted();
    expect(flow.path).toMatchObject({ cwnd: 4 * PMDCS, ssthresh: Infinity, name: "reno", partialBytesAcked: 0 });
    flow.round();
    expect(flow.path.cwnd).toBe(8 * PMDCS);
    flow.round();
    expect(flow.path.cwnd).toBe(16 * PMDCS);
    expect(flow.path.flightSize).toBe(0);
  });

  test("Z10: chunks of a tenth count a tenth", () => {
    const flow = adapted();
    flow.fill(Math.floor(PMDCS / 10));
    expect(flow.outstanding.size).toBeGreaterThan(39);
    flow.now += 50 * MS;
    flow.sack([...flow.outstanding.keys()]);
    expect(flow.path.cwnd).toBeLessThanOrEqual(8 * PMDCS);
    expect(flow.path.cwnd).toBeGreaterThanOrEqual(7 * PMDCS);
  });

  test("Z11: a loss reduces by PRR to the algorithm's threshold, and recovery ends at it", () => {
    for (const [algorithm, left] of [
      [newReno(), 16],
      [cubic(), 22],
    ] as const) {
      const flow = adapted(algorithm);
      for (let round = 0; round < 3; round++) flow.round();
      flow.fill();
      const [first, ...rest] = [...flow.outstanding.keys()] as [number, ...number[]];
      flow.now += 50 * MS;
      flow.sack(rest.slice(0, 3), [first]);
      expect(flow.path.inFastRecovery).toBe(true);
      flow.resend(first);
      for (const tsn of rest.slice(3)) flow.sack([tsn]);
      flow.sack([first]);
      expect(flow.path.inFastRecovery).toBe(false);
      expect(Math.abs(flow.path.cwnd / PMDCS - left)).toBeLessThanOrEqual(1);
    }
  });

  test("Z12: a timeout leaves one packet, and it grows again", () => {
    const flow = adapted();
    for (let round = 0; round < 3; round++) flow.round();
    flow.fill();
    const lost = [...flow.outstanding.keys()];
    flow.path.timeout(flow.now);
    expect(flow.path).toMatchObject({ cwnd: PMDCS, flightSize: 0, ssthresh: 16 * PMDCS });
    flow.now += SEC;
    flow.resend(lost[0]!);
    flow.sack([lost[0]!]);
    expect(flow.path.cwnd).toBe(2 * PMDCS);
  });

  test("Z13: another path MTU keeps the window's bytes", () => {
    const flow = adapted();
    for (let round = 0; round < 3; round++) flow.round();
    const before = flow.path.cwnd;
    flow.path.setPmdcs(PMDCS / 2);
    expect(flow.path.cwnd).toBe(before);
    flow.path.limitBurst(4);
    expect(flow.path.cwnd).toBe(2 * PMDCS);
  });

  test("Z14: an idle path restarts from four packets; BBR keeps its model", () => {
    const flow = adapted();
    for (let round = 0; round < 4; round++) flow.round();
    flow.now += 60 * SEC;
    flow.path.idle(flow.now);
    expect(flow.path.cwnd).toBe(4 * PMDCS);
    const model = adapted(bbr());
    for (let round = 0; round < 4; round++) model.round();
    const before = model.path.cwnd;
    model.path.idle(model.now + 60 * SEC);
    expect(model.path.cwnd).toBe(before);
    model.path.limitBurst(1);
    expect(model.path.cwnd).toBe(before);
    expect(model.path.pacingRate).toBeLessThan(Infinity);
  });

  test("Z15: an ECN-Echo reduces once per window", () => {
    const flow = adapted();
    for (let round = 0; round < 3; round++) flow.round();
    flow.fill();
    const tsns = [...flow.outstanding.keys()];
    for (const tsn of tsns) flow.sack([tsn], [], { ecnEcho: true });
    expect(flow.path.ssthresh).toBe(16 * PMDCS);
  });
});
