import { describe, expect, test } from "vitest";
import {
  createCongestionState,
  NO_TIME,
  rackAdvance,
  rackMayBeLost,
  rackRecoveryDone,
  rackReoWndUs,
  rackTimeoutUs,
  rackUpdateReoWnd,
  updateMinRtt,
  updateRtt,
} from "../src/index.ts";
import { MS, sampleOf } from "./helpers.ts";

function connection(rttUs = 40_000) {
  const state = createCongestionState({ now: 1000 * MS });
  updateMinRtt(state, rttUs);
  updateRtt(state, rttUs);
  return state;
}

describe("K: RACK (RFC 8985, tcp_recovery.c)", () => {
  test("K1: §6.2 step 2: the most recently sent packet among those delivered is remembered", () => {
    const state = connection();
    rackAdvance(state, false, 100, 950 * MS);
    expect(state.rack).toMatchObject({ mstamp: 950 * MS, endSeq: 100, rttUs: 50_000, advanced: true });
    // A later ACK for an earlier packet: the RTT is new, the mark stays.
    rackAdvance(state, false, 50, 940 * MS);
    expect(state.rack).toMatchObject({ mstamp: 950 * MS, endSeq: 100, rttUs: 60_000 });
    rackAdvance(state, false, 200, 950 * MS);
    expect(state.rack.endSeq).toBe(200);
  });

  test("K2: §6.2 step 2: an ACK sooner than the minimum RTT is for the original of a retransmission", () => {
    const state = connection(40_000);
    rackAdvance(state, true, 100, 970 * MS);
    expect(state.rack).toMatchObject({ mstamp: NO_TIME, advanced: false });
    rackAdvance(state, true, 100, 960 * MS);
    expect(state.rack.mstamp).toBe(960 * MS);
    rackAdvance(state, false, 300, 999 * MS);
    expect(state.rack.rttUs).toBe(1_000);
  });

  test("K3: §6.2 step 4: without reordering the window closes in recovery and at three duplicate ACKs", () => {
    const state = connection();
    expect(rackReoWndUs(state)).toBe(10_000);
    state.sackedOut = 3;
    expect(rackReoWndUs(state)).toBe(0);
    expect(rackReoWndUs(state, { noDupthresh: true })).toBe(10_000);
    state.sackedOut = 0;
    state.caState = "recovery";
    expect(rackReoWndUs(state)).toBe(0);
    state.caState = "loss";
    expect(rackReoWndUs(state)).toBe(0);
    state.reordSeen = 1;
    expect(rackReoWndUs(state)).toBe(10_000);
  });

  test("K4: §6.2 step 4: the window is quarters of the minimum RTT, never more than SRTT", () => {
    const state = connection();
    state.reordSeen = 1;
    for (const [steps, us] of [
      [1, 10_000],
      [3, 30_000],
      [4, 40_000],
      [9, 40_000],
    ] as const) {
      state.rack.reoWndSteps = steps;
      expect(rackReoWndUs(state)).toBe(us);
    }
    expect(rackReoWndUs(createCongestionState())).toBe(0);
  });

  test("K5: §6.2 step 5: a packet is lost when one sent later was delivered and RTT plus window have passed", () => {
    const state = connection();
    expect(rackMayBeLost(state, 0, 1)).toBe(false);
    rackAdvance(state, false, 500, 960 * MS);
    expect(rackMayBeLost(state, 959 * MS, 400)).toBe(true);
    expect(rackMayBeLost(state, 960 * MS, 400)).toBe(true);
    expect(rackMayBeLost(state, 960 * MS, 600)).toBe(false);
    expect(rackMayBeLost(state, 961 * MS, 400)).toBe(false);
    // Sent 41 ms ago, RTT 40 ms, window 10 ms: nine to go.
    expect(rackTimeoutUs(state, 959 * MS, 10_000)).toBe(9_000);
    state.now += 9 * MS;
    expect(rackTimeoutUs(state, 959 * MS, 10_000)).toBe(0);
  });

  test("K6: §6.2 step 4: a DSACK widens the window, once a round, for sixteen recoveries", () => {
    const state = connection();
    const dsack = (priorDelivered: number) => {
      state.rack.dsackSeen = true;
      rackUpdateReoWnd(state, sampleOf({ priorDelivered }));
    };
    state.delivered = 100;
    dsack(50);
    expect(state.rack).toMatchObject({ reoWndSteps: 2, reoWndPersist: 16, lastDelivered: 100, dsackSeen: false });
    dsack(99);
    expect(state.rack.reoWndSteps).toBe(2);
    state.delivered = 200;
    dsack(100);
    expect(state.rack.reoWndSteps).toBe(3);
    for (let i = 0; i < 16; i++) {
      rackUpdateReoWnd(state, sampleOf({ priorDelivered: 200 }));
      expect(state.rack.reoWndSteps).toBe(3);
      rackRecoveryDone(state, false);
    }
    rackUpdateReoWnd(state, sampleOf({ priorDelivered: 200 }));
    expect(state.rack.reoWndSteps).toBe(1);
  });

  test("K6: a recovery that was undone by DSACK prolongs the window, up to sixteen", () => {
    const state = connection();
    state.rack.reoWndPersist = 3;
    rackRecoveryDone(state, true);
    expect(state.rack.reoWndPersist).toBe(4);
    state.rack.reoWndPersist = 16;
    rackRecoveryDone(state, true);
    expect(state.rack.reoWndPersist).toBe(16);
    state.rack.reoWndPersist = 0;
    rackRecoveryDone(state, false);
    expect(state.rack.reoWndPersist).toBe(0);
  });

  test("K7: TCP_RACK_STATIC_REO_WND keeps it, and it has its limit in a byte", () => {
    const state = connection();
    state.rack.dsackSeen = true;
    rackUpdateReoWnd(state, sampleOf({ priorDelivered: 1 }), { staticReoWnd: true });
    expect(state.rack.reoWndSteps).toBe(1);
    state.rack.reoWndSteps = 255;
    rackUpdateReoWnd(state, sampleOf({ priorDelivered: 1 }));
    expect(state.rack.reoWndSteps).toBe(255);
  });
});
