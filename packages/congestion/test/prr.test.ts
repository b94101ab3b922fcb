import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createCongestionState,
  cwndReduction,
  endCwndReduction,
  initCwndReduction,
  newReno,
  packetsInFlight,
  undoCwndReduction,
} from "../src/index.ts";
import { testRandom } from "./helpers.ts";

function reduced(cwnd: number) {
  const state = createCongestionState({ sndCwnd: cwnd, packetsOut: cwnd, sndNxt: cwnd, caState: "recovery" });
  const control = newReno().create(state, testRandom());
  initCwndReduction(state, control);
  return { state, control };
}

describe("P: PRR (RFC 6937, RFC 9937; tcp_cwnd_reduction)", () => {
  test("P1: a reduction notes the window, asks for the threshold and marks where it ends", () => {
    const { state } = reduced(20);
    expect(state).toMatchObject({
      priorCwnd: 20,
      sndSsthresh: 10,
      highSeq: 20,
      prrDelivered: 0,
      prrOut: 0,
      sndCwndCnt: 0,
    });
  });

  test("P2: RFC 6937 §4's example in spirit: one of twenty lost, one packet out for two in", () => {
    const { state } = reduced(20);
    state.lostOut = 1;
    const sent: number[] = [];
    for (let ack = 1; ack <= 19; ack++) {
      state.sackedOut++;
      cwndReduction(state, 1, ack === 1 ? 1 : 0, false);
      const may = state.sndCwnd - packetsInFlight(state);
      sent.push(may);
      state.prrOut += may;
      // The first goes as the retransmission, the others are new.
      if (ack === 1) state.retransOut += may;
      else state.packetsOut += may;
    }
    // The fast retransmit goes at once, and then every other ACK releases a packet.
    expect(sent[0]).toBe(1);
    expect(sent.reduce((a, b) => a + b)).toBe(10);
    expect(Math.max(...sent)).toBe(1);
    expect(packetsInFlight(state)).toBe(10);
  });

  test("P3: below ssthresh it grows as slow start does while no more is lost (PRR-SSRB)", () => {
    const { state } = reduced(20);
    state.lostOut = 15;
    state.sackedOut = 3;
    state.prrOut = 3;
    state.prrDelivered = 2;
    // Two are in flight, ten may be: one delivered, one more because the ACK advanced.
    cwndReduction(state, 1, 0, true);
    expect(state.sndCwnd - packetsInFlight(state)).toBe(2);
  });

  test("P3: with new losses it is conservative (PRR-CRB): what was delivered, no more", () => {
    const { state } = reduced(20);
    state.lostOut = 15;
    state.sackedOut = 3;
    state.prrOut = 3;
    state.prrDelivered = 2;
    cwndReduction(state, 1, 2, true);
    expect(state.sndCwnd - packetsInFlight(state)).toBe(1);
  });

  test("P4: an ACK that delivers nothing changes nothing", () => {
    const { state } = reduced(20);
    const before = { ...state };
    cwndReduction(state, 0, 1, true);
    expect(state).toEqual(before);
  });

  test("P5: whatever comes, a round of it sends no more than ssthresh for what was in flight, and ends there", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 400 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1 }),
        (cwnd, acks) => {
          const { state } = reduced(cwnd);
          state.lostOut = 1;
          let out = 0;
          for (const acked of acks) {
            const delivered = Math.min(acked, state.packetsOut - state.sackedOut - 1);
            if (delivered <= 0) break;
            state.sackedOut += delivered;
            cwndReduction(state, delivered, 0, false);
            const may = Math.max(0, state.sndCwnd - packetsInFlight(state));
            state.prrOut += may;
            state.packetsOut += may;
            out += may;
            const ceiling = Math.ceil((state.sndSsthresh * state.prrDelivered) / cwnd);
            expect(out).toBeLessThanOrEqual(Math.max(1, ceiling, state.prrDelivered + 1));
          }
          expect(packetsInFlight(state)).toBeLessThanOrEqual(cwnd);
        },
      ),
    );
  });

  test("P6: at its end the window is ssthresh; not if it was undone, and BBR's never is", () => {
    const { state, control } = reduced(20);
    state.undoMarker = true;
    state.sndCwnd = 7;
    endCwndReduction(state, control);
    expect(state.sndCwnd).toBe(10);
    state.undoMarker = false;
    state.sndCwnd = 7;
    endCwndReduction(state, control);
    expect(state.sndCwnd).toBe(7);
    state.undoMarker = true;
    endCwndReduction(state, {
      ...control,
      ssthresh: () => 1,
      undoCwnd: () => 1,
      init: () => undefined,
      congControl: () => undefined,
    });
    expect(state.sndCwnd).toBe(7);
  });

  test("P7: undoing gives window and threshold back, and lets RACK look again", () => {
    const { state, control } = reduced(40);
    state.priorSsthresh = 64;
    state.sndCwnd = 12;
    state.undoMarker = true;
    undoCwndReduction(state, control);
    expect(state).toMatchObject({ sndCwnd: 40, sndSsthresh: 64, undoMarker: false });
    expect(state.rack.advanced).toBe(true);
  });

  test("P7: without a remembered threshold (ECN) nothing is given back", () => {
    const { state, control } = reduced(40);
    state.sndCwnd = 12;
    undoCwndReduction(state, control);
    expect(state).toMatchObject({ sndCwnd: 12, sndSsthresh: 20 });
  });
});
