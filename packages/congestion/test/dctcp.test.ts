import { describe, expect, test } from "vitest";
import { type AckPort, createCongestionState, dctcp } from "../src/index.ts";
import { Flow } from "./flow.ts";
import { MBIT, MS, SEC, testRandom } from "./helpers.ts";

function connection(options = {}, fields = {}) {
  const state = createCongestionState({ ecnOk: true, sndCwnd: 100, ...fields });
  const control = dctcp(options).create(state, testRandom());
  control.init();
  return { state, control, alpha: () => control.getInfo!().dctcp_alpha };
}

/** A window of 100 packets, of which `marked` were. */
function window({ state, control }: ReturnType<typeof connection>, marked: number) {
  state.delivered += 100;
  state.deliveredCe += marked;
  state.sndUna = state.sndNxt;
  state.sndNxt += 100;
  control.inAckEvent!({ slowPath: true, winUpdate: false, ece: marked > 0 });
}

describe("D: DCTCP (RFC 8257, tcp_dctcp.c)", () => {
  test("D1: §3.3: alpha = (1 - g) alpha + g F, in 1024ths, once per window", () => {
    const flow = connection();
    expect(flow.alpha()).toBe(1024);
    window(flow, 50);
    // 1024 - 64 + (50 << 6) / 100
    expect(flow.alpha()).toBe(960 + 32);
    flow.state.delivered += 10;
    flow.control.inAckEvent!({ slowPath: true, winUpdate: false, ece: true });
    expect(flow.alpha()).toBe(992);
  });

  test("D1: it converges to the marked share", () => {
    for (const share of [3, 25, 80]) {
      const flow = connection();
      for (let i = 0; i < 200; i++) window(flow, share);
      expect(flow.alpha()! / 1024).toBeGreaterThan(share / 100 - 0.016);
      expect(flow.alpha()! / 1024).toBeLessThan(share / 100 + 0.016);
    }
  });

  test("D1: without marks it falls to 0, not to where the shift stops", () => {
    const flow = connection();
    for (let i = 0; i < 120; i++) window(flow, 0);
    expect(flow.alpha()).toBe(0);
  });

  test("D2: §3.4: a mark takes half of alpha from the window", () => {
    const flow = connection({ alphaOnInit: 512 });
    expect(flow.control.ssthresh()).toBe(75);
    expect(connection({ alphaOnInit: 0 }).control.ssthresh()).toBe(100);
    expect(connection({ alphaOnInit: 5000 }).control.ssthresh()).toBe(50);
    expect(connection({}, { sndCwnd: 2 }).control.ssthresh()).toBe(2);
    flow.state.sndCwnd = 75;
    expect(flow.control.undoCwnd()).toBe(100);
  });

  test("D3: §3.5: loss is answered as Reno does", () => {
    const flow = connection({ alphaOnInit: 0 });
    flow.control.setState!("recovery");
    expect(flow.state.sndSsthresh).toBe(50);
    const timeout = connection({ alphaOnInit: 0 });
    timeout.control.cwndEvent!("loss");
    expect(timeout.state.sndSsthresh).toBe(50);
  });

  test("D4: without ECN it is Reno, and says so", () => {
    const flow = connection({}, { ecnOk: false });
    expect([flow.control.name, flow.control.needsEcn]).toEqual(["dctcp-reno", false]);
    expect(flow.control.ssthresh()).toBe(50);
    expect(flow.control.getInfo!().dctcp_enabled).toBe(0);
    window(flow, 100);
    flow.control.cwndEvent!("loss");
    expect(flow.state.sndSsthresh).toBe(0x7fff_ffff);
  });

  test("D5: §3.2: when the mark changes, a delayed ACK goes out with the old one's echo, and the next at once", () => {
    const log: string[] = [];
    const port: AckPort & { rcvNxt: number; ackTimerPending: boolean } = {
      rcvNxt: 100,
      ackTimerPending: true,
      demandCwr: false,
      sendAck: (rcvNxt) => log.push(`ack ${rcvNxt} ece=${port.demandCwr}`),
      ackNow: () => log.push("now"),
    };
    const { control } = connection({}, { ackPort: port });
    port.rcvNxt = 200;
    control.cwndEvent!("ecnNoCe");
    expect(log).toEqual([]);
    port.rcvNxt = 300;
    control.cwndEvent!("ecnIsCe");
    expect(log).toEqual(["ack 200 ece=false", "now"]);
    expect(port.demandCwr).toBe(true);
    port.rcvNxt = 400;
    control.cwndEvent!("ecnIsCe");
    expect(log).toHaveLength(2);
    port.ackTimerPending = false;
    port.rcvNxt = 500;
    control.cwndEvent!("ecnNoCe");
    expect(log).toEqual(["ack 200 ece=false", "now", "now"]);
    expect(port.demandCwr).toBe(false);
  });

  test("D6: over a line that marks above K packets it keeps the line busy and the queue at K", () => {
    const k = 20;
    const flow = new Flow(
      dctcp(),
      { rate: 100 * MBIT, rtt: 4 * MS, buffer: 1e6, ceThreshold: k * 1500 },
      { state: { ecnOk: true } },
    ).run(1 * SEC);
    flow.path.maxQueue = 0;
    const before = flow.received;
    flow.run(3 * SEC);
    expect(Flow.rate(flow.received - before, 2 * SEC)).toBeGreaterThan(95 * MBIT);
    expect(flow.path.maxQueue / 1500).toBeLessThan(3 * k);
    expect(flow.path.drops.queue).toBe(0);
    // Paper, eq. 9: alpha ≈ sqrt(2 / W*) with W* = BDP + K.
    const expected = Math.sqrt(2 / (33 + k));
    const alpha = flow.control.getInfo!().dctcp_alpha! / 1024;
    expect(alpha).toBeGreaterThan(expected / 2);
    expect(alpha).toBeLessThan(expected * 2);
  });
});
