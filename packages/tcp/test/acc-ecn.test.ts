import { tcp } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accEcnHandshake, createAccEcn, writeInitialOption, type AccurateEcn } from "../src/acc-ecn.ts";
import { aceOf, flagsOfAce, isEcnTransition, NO_FEEDBACK, requestsAccEcn } from "../src/acc-ecn-handshake.ts";
import type { Segment } from "../src/parts.ts";
import { newOutgoing } from "../src/wire/emit.ts";
import { CE, ECT_0, ECT_1, NOT_ECT } from "../src/wire/numbers.ts";
import { newSegment } from "../src/wire/segment.ts";

/** An acknowledgment with this ACE field and, if given, an option of order 1: ECT(1), CE, ECT(0). */
function ack(ace: number, counters?: readonly number[]): Segment {
  const segment = newSegment();
  segment.flags = tcp.ACK | flagsOfAce(ace & 7);
  if (counters !== undefined) {
    segment.options.accEcnOrder = 1;
    segment.options.accEcnCount = counters.length;
    segment.options.accEcn.set(counters);
  }
  return segment;
}

function optionOf(state: AccurateEcn, now = 0, room = 28): number[] | undefined {
  const out = newOutgoing();
  state.writeOption(out, room, now, 1000);
  return out.accEcnOrder < 0 ? undefined : [...out.accEcn.subarray(0, out.accEcnCount)];
}

describe("TE1 RFC 9768 §3.1.1: the handshake, table 2", () => {
  test("the SYN asks with all three flags; the answer tells how the SYN came", () => {
    expect(accEcnHandshake.synFlags()).toBe(tcp.AE | tcp.CWR | tcp.ECE);
    const answers = [NOT_ECT, ECT_1, ECT_0, CE].map((ipEcn) => aceOf(accEcnHandshake.synAckFlags(ipEcn)));
    expect(answers).toEqual([0b010, 0b011, 0b100, 0b110]);
    for (const ipEcn of [NOT_ECT, ECT_1, ECT_0, CE]) {
      const flags = tcp.SYN | tcp.ACK | accEcnHandshake.synAckFlags(ipEcn);
      expect(accEcnHandshake.readSynAck(flags)).toEqual({ mode: "accecn", ipEcnSeen: ipEcn });
      expect(accEcnHandshake.readThirdAck(accEcnHandshake.thirdAckAce(ipEcn))).toBe(ipEcn);
    }
  });

  test("older servers: classic ECN, the reserved 101, none, and a mirror", () => {
    const modes = [0b001, 0b101, 0b000, 0b111].map((ace) => accEcnHandshake.readSynAck(flagsOfAce(ace)).mode);
    expect(modes).toEqual(["ecn", "ecn", "none", "none"]);
  });

  test("§3.2.2.1 table 4: 000 on the third ACK is not valid, unused values say nothing", () => {
    expect(accEcnHandshake.readThirdAck(0)).toBe(-1);
    expect([1, 5, 7].map((ace) => accEcnHandshake.readThirdAck(ace))).toEqual([NO_FEEDBACK, NO_FEEDBACK, NO_FEEDBACK]);
  });

  test("§3.1.2: any flags but none and the classic two ask for AccECN", () => {
    const asking = [0, 1, 2, 3, 4, 5, 6, 7].filter((ace) => requestsAccEcn(flagsOfAce(ace)));
    expect(asking).toEqual([1, 2, 4, 5, 6, 7]);
  });

  test("§3.2.2.3: what an IP-ECN field can become on the way", () => {
    expect([isEcnTransition(ECT_0, CE), isEcnTransition(ECT_0, ECT_0), isEcnTransition(ECT_1, ECT_0)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([isEcnTransition(ECT_0, NOT_ECT), isEcnTransition(NOT_ECT, CE), isEcnTransition(CE, ECT_0)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("TE2 §3.2.2: the ACE field", () => {
  test("begins with 5 and counts CE-marked segments modulo 8", () => {
    const state = createAccEcn();
    expect(aceOf(state.aceFlags())).toBe(5);
    state.received(CE, 1000, 1);
    state.received(ECT_0, 1000, 1);
    expect(aceOf(state.aceFlags())).toBe(6);
    state.received(CE, 0, 4);
    expect(aceOf(state.aceFlags())).toBe(2);
  });

  test("the sender counts what is new, through the wrap", () => {
    const state = createAccEcn();
    expect(state.acknowledged(ack(5), 2, 2000, 1000, true)).toBe(0);
    expect(state.acknowledged(ack(7), 2, 2000, 1000, true)).toBe(2);
    expect(state.acknowledged(ack(9), 2, 2000, 1000, true)).toBe(2);
    expect(state.deliveredCe).toBe(4);
  });

  test("an old acknowledgment says nothing; nor does a field that was found broken", () => {
    const state = createAccEcn();
    expect(state.acknowledged(ack(7), 0, 0, 1000, false)).toBe(0);
    state.aceFailed = true;
    expect(state.acknowledged(ack(7), 2, 2000, 1000, true)).toBe(0);
  });

  test("App. A.1: more packets than it can tell apart, and no option: the worst is assumed", () => {
    const state = createAccEcn();
    expect(state.acknowledged(ack(5 + 2), 20, 20_000, 1000, true)).toBe(18);
    expect(createAccEcn().acknowledged(ack(5), 8, 8_000, 1000, true)).toBe(8);
  });

  test("App. A.2: the bytes of the option say how often it went round", () => {
    const quiet = createAccEcn();
    quiet.acknowledged(ack(5, [1, 0, 1001]), 1, 1000, 1000, true);
    expect(quiet.acknowledged(ack(5, [1, 0, 21_001]), 20, 20_000, 1000, true)).toBe(0);
    const marked = createAccEcn();
    marked.acknowledged(ack(6, [1, 1000, 1]), 1, 1000, 1000, true);
    expect(marked.acknowledged(ack(6 + 10, [1, 11_000, 1]), 10, 10_000, 1000, true)).toBe(10);
    const some = createAccEcn();
    some.acknowledged(ack(6, [1, 1000, 1]), 1, 1000, 1000, true);
    expect(some.acknowledged(ack(6 + 2, [1, 3_000, 1]), 10, 10_000, 1000, true)).toBe(2);
  });
});

describe("TE3 §3.2.2.5: acknowledgments at once", () => {
  test("when the codepoint changes, and when six marks are unreported", () => {
    const state = createAccEcn();
    state.begin(ECT_0);
    state.received(ECT_0, 100, 1);
    expect(state.needsAck()).toBe(false);
    state.received(CE, 100, 1);
    expect([state.needsAck(), state.needsAck()]).toEqual([true, false]);
    for (let i = 0; i < 4; i++) state.received(CE, 100, 1);
    expect(state.needsAck()).toBe(false);
    state.received(CE, 100, 1);
    expect(state.needsAck()).toBe(true);
    state.aceFlags();
    expect(state.needsAck()).toBe(false);
  });
});

describe("TE4 §3.2.3: the option", () => {
  test("of a SYN/ACK: counters at their initial values, as many as there is room for", () => {
    const out = newOutgoing();
    expect(writeInitialOption(out, 20)).toBe(true);
    expect([out.accEcnOrder, ...out.accEcn.subarray(0, out.accEcnCount)]).toEqual([1, 1, 0, 1]);
    expect(writeInitialOption(out, 8)).toBe(true);
    expect(out.accEcnCount).toBe(2);
  });

  test("is sent only to those who have sent one", () => {
    const state = createAccEcn();
    expect(optionOf(state)).toBeUndefined();
    state.optionSeen(ack(5, [1, 0, 1]));
    expect(optionOf(state)).toEqual([1, 0, 1]);
    state.optionSendFailed = true;
    expect(optionOf(state)).toBeUndefined();
  });

  test("carries bytes of payload by codepoint, 24 bits of them", () => {
    const state = createAccEcn();
    state.optionSeen(ack(5, [1, 0, 1]));
    state.received(ECT_0, 1000, 1);
    state.received(CE, 500, 1);
    state.received(ECT_1, 7, 1);
    state.received(NOT_ECT, 9999, 1);
    expect(optionOf(state)).toEqual([8, 500, 1001]);
    state.received(ECT_0, 2 ** 24, 1);
    expect(optionOf(state)).toEqual([8, 500, 1001]);
  });

  test("tcp_ecn_option 1: when there is something to say, or it was long ago; 0: never", () => {
    const state = createAccEcn();
    state.optionSeen(ack(5, [1, 0, 1]));
    state.optionMode = 1;
    state.beacons = 3;
    expect([optionOf(state, 10), optionOf(state, 20), optionOf(state, 30)]).toEqual([[1, 0, 1], [1, 0, 1], undefined]);
    expect(optionOf(state, 20 + 334)).toEqual([1, 0, 1]);
    state.received(CE, 100, 1);
    expect(optionOf(state, 360)).toEqual([1, 100, 1]);
    state.optionMode = 0;
    expect(optionOf(state, 99_999)).toBeUndefined();
  });

  test("shows at least the counter that has changed, or is not sent", () => {
    const state = createAccEcn();
    state.optionSeen(ack(5, [1, 0, 1]));
    state.received(ECT_1, 5, 1);
    expect(optionOf(state, 0, 5)).toBeUndefined();
    expect(optionOf(state, 0, 8)).toEqual([6, 0]);
  });

  test("§3.2.3.2.4: initial counters of 0 were cleared by somebody: no option is believed", () => {
    const state = createAccEcn();
    state.optionSeen(ack(5, [0, 0, 0]));
    state.acknowledged(ack(6, [0, 1000, 0]), 1, 1000, 1000, true);
    expect([...state.deliveredBytes]).toEqual([0, 0, 0]);
  });

  test("counters of the peer grow through their wrap; one that goes back is not trusted", () => {
    const state = createAccEcn();
    let total = 0;
    for (let i = 0; i < 40; i++) {
      total += 1_000_000;
      state.acknowledged(ack(5, [1, 0, (1 + total) & 0xffffff]), 1, 1_000_000, 1000, true);
    }
    expect([...state.deliveredBytes]).toEqual([40_000_000, 0, 0]);
    expect(state.acknowledged(ack(5, [1, 0, 1]), 20, 20_000, 1000, true)).toBeGreaterThanOrEqual(8);
  });
});

test("TE5 sender and receiver agree on every mark as long as acknowledgments come in time", () => {
  const burst = fc.array(fc.constantFrom<0 | 1 | 2 | 3>(ECT_0, ECT_0, CE), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 50 }), fc.boolean(), (bursts, withOption) => {
      const receiver = createAccEcn();
      const sender = createAccEcn();
      receiver.optionSeen(ack(5, [1, 0, 1]));
      let marks = 0;
      for (const packets of bursts) {
        for (const ipEcn of packets) {
          receiver.received(ipEcn, 1000, 1);
          if (ipEcn === CE) marks++;
        }
        const segment = ack(aceOf(receiver.aceFlags()), withOption ? optionOf(receiver) : undefined);
        sender.acknowledged(segment, packets.length, packets.length * 1000, 1000, true);
        expect(sender.deliveredCe).toBe(marks);
      }
    }),
  );
});
