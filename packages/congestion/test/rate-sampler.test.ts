import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkAppLimited,
  copyTxRecord,
  createCongestionState,
  createRateSample,
  createTxRecord,
  deliveryRate,
  markAppLimited,
  NO_TIME,
  rateGen,
  rateSkbDelivered,
  rateSkbSent,
  resetRateSample,
  sentAfter,
} from "../src/index.ts";
import { MS } from "./helpers.ts";

/** `n` packets sent at `sendGap`, acked one by one at `ackGap`, the first one an RTT later; the sample of the last ACK. */
function train(n: number, sendGap: number, ackGap: number, rtt: number) {
  const state = createCongestionState();
  state.rttMin.reset(0, rtt / 1000);
  const records = Array.from({ length: n }, (_, i) => {
    const tx = createTxRecord();
    state.now = i * sendGap;
    rateSkbSent(state, tx, state.now, 1);
    state.packetsOut++;
    return tx;
  });
  const sample = createRateSample();
  records.forEach((tx, i) => {
    state.now = rtt + i * ackGap;
    resetRateSample(sample);
    state.delivered++;
    state.packetsOut--;
    rateSkbDelivered(state, tx, i + 1, false, sample);
    rateGen(state, 1, 0, false, sample);
  });
  return { state, sample };
}

describe("R: delivery rate (tcp_rate.c, draft-ietf-ccwg-bbr §4.1)", () => {
  test("R1: a paced train is measured over the longer of its two phases", () => {
    const { sample } = train(11, 1 * MS, 1 * MS, 20 * MS);
    // From the first sending to the last ACK, with all eleven delivered.
    expect(sample.delivered).toBe(11);
    expect(sample.sndIntervalUs).toBe(10_000);
    expect(sample.rcvIntervalUs).toBe(30_000);
    expect(sample.intervalUs).toBe(30_000);
  });

  test("R2: compressed ACKs do not make a rate above that of sending (§4.1.1.2.2)", () => {
    const { sample } = train(41, 1 * MS, 0, 40 * MS);
    expect(sample.intervalUs).toBe(40_000);
    expect(sample.delivered / sample.intervalUs).toBeLessThanOrEqual(41 / 40_000);
  });

  test("R3: an interval shorter than the minimum RTT is no sample", () => {
    const state = createCongestionState({ delivered: 1 });
    state.rttMin.reset(0, 20_000);
    const tx = createTxRecord();
    rateSkbSent(state, tx, 0, 1);
    state.now = 5 * MS;
    state.delivered++;
    const sample = createRateSample();
    rateSkbDelivered(state, tx, 1, true, sample);
    rateGen(state, 1, 0, false, sample);
    expect(sample.intervalUs).toBe(-1);
    expect(sample.delivered).toBe(1);
    expect(sample.isRetrans).toBe(true);
  });

  test("R4: no sample while recovering from a receiver that took SACKs back, or where nothing was delivered", () => {
    const state = createCongestionState();
    const sample = createRateSample();
    rateGen(state, 0, 3, false, sample);
    expect([sample.delivered, sample.intervalUs, sample.losses]).toEqual([-1, -1, 3]);
    const tx = createTxRecord();
    rateSkbSent(state, tx, 0, 1);
    resetRateSample(sample);
    rateSkbDelivered(state, tx, 1, false, sample);
    rateGen(state, 1, 0, true, sample);
    expect([sample.delivered, sample.intervalUs, sample.ackedSacked]).toEqual([-1, -1, 1]);
  });

  test("R5: of a stretched ACK the packet sent last gives the sample, whichever is told first", () => {
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
    ]) {
      const state = createCongestionState();
      const records = [0, 1, 2].map((i) => {
        const tx = createTxRecord();
        rateSkbSent(state, tx, i * MS, 1);
        state.packetsOut++;
        state.delivered = i;
        return tx;
      });
      const sample = createRateSample();
      for (const i of order) rateSkbDelivered(state, records[i]!, i + 1, false, sample);
      expect(sample.lastEndSeq).toBe(3);
      expect(sample.lastSentAt).toBe(2 * MS);
      expect(state.firstTxMstamp).toBe(2 * MS);
      expect(sample.priorDelivered).toBe(1);
    }
  });

  test("R6: a segment counts once, when it is sacked, and not again when it is acked", () => {
    const state = createCongestionState();
    const tx = createTxRecord();
    rateSkbSent(state, tx, 3, 1);
    const sample = createRateSample();
    rateSkbDelivered(state, tx, 1, false, sample);
    expect(tx.deliveredMstamp).toBe(NO_TIME);
    resetRateSample(sample);
    rateSkbDelivered(state, tx, 1, false, sample);
    expect(sample.priorMstamp).toBe(NO_TIME);
  });

  test("R7: sent into an idle pipe at time 0 is a sample like any other", () => {
    const { sample } = train(1, 0, 0, 10 * MS);
    expect(sample.priorMstamp).toBe(0);
    expect(sample.delivered).toBe(1);
    expect(sample.intervalUs).toBe(10_000);
  });

  test("R8: with nothing left to send the flight is limited by the application, until it has left the pipe (§4.1.1.3)", () => {
    const state = createCongestionState({ packetsOut: 4, delivered: 10, mssCache: 1000 });
    checkAppLimited(state, 1000);
    expect(state.appLimited).toBe(0);
    checkAppLimited(state, 999, 1);
    expect(state.appLimited).toBe(0);
    checkAppLimited(state, 999);
    expect(state.appLimited).toBe(14);
    const tx = createTxRecord();
    rateSkbSent(state, tx, 5, 1);
    expect(tx.isAppLimited).toBe(true);
    const sample = createRateSample();
    state.delivered = 14;
    rateGen(state, 1, 0, false, sample);
    expect(state.appLimited).toBe(14);
    state.delivered = 15;
    rateGen(state, 1, 0, false, sample);
    expect(state.appLimited).toBe(0);
  });

  test("R8: a full window or losses yet to be repaired are not the application's doing", () => {
    const full = createCongestionState({ packetsOut: 10, sndCwnd: 10 });
    checkAppLimited(full, 0);
    expect(full.appLimited).toBe(0);
    const lossy = createCongestionState({ packetsOut: 8, lostOut: 2, retransOut: 1 });
    checkAppLimited(lossy, 0);
    expect(lossy.appLimited).toBe(0);
  });

  test("R8: a mark on an empty connection is not mistaken for none", () => {
    const state = createCongestionState();
    markAppLimited(state);
    expect(state.appLimited).toBe(1);
  });

  test("R9: tcp_info shows the last sample that is not app-limited, or a greater one that is", () => {
    const state = createCongestionState({ mssCache: 1000 });
    state.rttMin.reset(0, 1);
    const give = (delivered: number, us: number, limited: boolean) => {
      const sample = Object.assign(createRateSample(), {
        priorMstamp: 0,
        priorDelivered: 0,
        intervalUs: us,
        isAppLimited: limited,
      });
      state.now = us * 1000;
      state.delivered = delivered;
      rateGen(state, 1, 0, false, sample);
    };
    expect(deliveryRate(state)).toBe(0);
    give(10, 10_000, false);
    expect(deliveryRate(state)).toBe(1_000_000);
    give(5, 10_000, true);
    expect(deliveryRate(state)).toBe(1_000_000);
    give(20, 10_000, true);
    expect([deliveryRate(state), state.rateAppLimited]).toEqual([2_000_000, true]);
    give(5, 10_000, false);
    expect([deliveryRate(state), state.rateAppLimited]).toEqual([500_000, false]);
  });

  test("R10: the record holds what was in flight, the packet included, and what had been lost", () => {
    const state = createCongestionState({ packetsOut: 9, sackedOut: 2, lost: 3, delivered: 5, deliveredCe: 1 });
    const tx = createTxRecord();
    rateSkbSent(state, tx, 17, 2);
    expect(tx).toMatchObject({ inFlight: 9, lost: 3, delivered: 5, deliveredCe: 1, sentAt: 17 });
    const copy = createTxRecord();
    copyTxRecord(copy, tx);
    expect(copy).toEqual(tx);
  });

  test("R11: whatever the send and ACK times, the rate is no more than either phase shows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 0, max: 3_000_000 }),
        fc.integer({ min: 0, max: 3_000_000 }),
        (n, sendGap, ackGap) => {
          const { sample } = train(n, sendGap, ackGap, 5 * MS);
          const bySend = sample.delivered / Math.max(1, ((n - 1) * sendGap) / 1000 - 1);
          const rate = sample.delivered / sample.intervalUs;
          expect(sample.intervalUs).toBe(Math.max(sample.sndIntervalUs, sample.rcvIntervalUs));
          expect(rate).toBeLessThanOrEqual(bySend);
        },
      ),
    );
  });

  test("R12: of packets sent at one instant the one further on in the stream was sent later, across the wrap", () => {
    expect(sentAfter(5, 5, 2, 0xffff_fff0)).toBe(true);
    expect(sentAfter(5, 5, 0xffff_fff0, 2)).toBe(false);
    expect(sentAfter(6, 5, 1, 2)).toBe(true);
    expect(sentAfter(5, 5, 2, 2)).toBe(false);
    // A TCP that keeps sequence numbers as int32.
    expect(sentAfter(5, 5, 2, -16)).toBe(true);
  });
});
