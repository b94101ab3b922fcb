// The cases of the kernel's tools/testing/selftests/net/lib/gro.c, under their names (S13): frames go in, and what comes out
// has the payload lengths that the kernel's receiver expects. Plain, in IPIP and in IP6IP6 or SIT.
import { describe, expect, test } from "vitest";
import { tcp, type Packet } from "@seville/packet";
import { frameOf, offsetsOf, PLAIN, type Flow } from "../support/flow.ts";
import { groRun, type GroRun } from "../support/gro.ts";
import { makePool, payloadOf } from "../support/super.ts";

const PAYLOAD = 100;
const MODES: readonly (readonly [string, Partial<Flow>])[] = [
  ["IPv4", {}],
  ["IPv6", { family: 6 }],
  ["IPIP", { tunnel: "ip" }],
  ["IP6IP6", { tunnel: "ip", family: 6, outerFamily: 6 }],
];

interface Sent {
  readonly at?: number;
  readonly length?: number;
  readonly flags?: number;
  readonly change?: Partial<Flow>;
  /** Changes the frame after its checksums have been computed. */
  readonly spoil?: (frame: Uint8Array, flow: Flow) => void;
  readonly now?: number;
}

/** Sends, ends the poll, and answers the payload lengths in the order in which they came out. */
function lengths(base: Flow, sent: readonly Sent[], between?: (run: GroRun, index: number) => void): number[] {
  const pool = makePool();
  const run = groRun(pool);
  sent.forEach((one, index) => {
    const flow: Flow = { ...base, ...one.change };
    const offset = one.at ?? 0;
    const part = { index, offset, isFirst: true, isLast: true };
    const frame = frameOf(
      { ...flow, flags: one.flags ?? tcp.ACK, accEcn: true },
      payloadOf(one.length ?? PAYLOAD),
      part,
    );
    one.spoil?.(frame, flow);
    run.give(frame, undefined, one.now);
    between?.(run, index);
  });
  run.gro.endOfPoll(0);
  const result = run.out.map(payloadLength);
  run.release();
  pool.assertDrained();
  return result;
}

/** From the innermost headers, as they are now. */
function payloadLength(packet: Packet): number {
  const { view } = packet.pool.memory;
  let at = packet.data + 14;
  let protocol = 0;
  for (;;) {
    if (view.getUint8(at) >> 4 === 4) {
      protocol = view.getUint8(at + 9);
      at += (view.getUint8(at) & 15) * 4;
    } else {
      protocol = view.getUint8(at + 6);
      at += 40;
      if (protocol === 60 || protocol === 44) {
        protocol = view.getUint8(at);
        at += 8;
      }
    }
    if (protocol === 6) return packet.totalLength - (at - packet.data) - tcp.headerLength(view, at);
  }
}

/** Fields of the IP header nearest to TCP. */
function innermostIp(flow: Flow): number {
  const offsets = offsetsOf(flow);
  return flow.tunnel === "none" ? offsets.network : offsets.innerNetwork;
}

function train(count: number, length = PAYLOAD): Sent[] {
  return Array.from({ length: count }, (_, i) => ({ at: i * length, length }));
}

describe.each(MODES)("%s", (_, mode) => {
  const flow: Flow = { ...PLAIN, ...mode };
  const v4 = flow.family === 4;

  test("S13 data_same: two packets of the same size coalesce", () => {
    expect(lengths(flow, train(2))).toEqual([200]);
  });

  test("S13 data_lrg_sml: a large and a small one coalesce", () => {
    expect(lengths(flow, [{}, { at: 100, length: 50 }])).toEqual([150]);
  });

  test("S13 data_lrg_1byte: a large one and one of 1 byte coalesce", () => {
    expect(lengths(flow, [{}, { at: 100, length: 1 }])).toEqual([101]);
  });

  test("S13 data_sml_lrg: a small and a large one do not", () => {
    expect(lengths(flow, [{ length: 50 }, { at: 50 }])).toEqual([50, 100]);
  });

  test("S13 data_burst: two bursts, a poll apart, are two packets", () => {
    const endPoll = (run: GroRun, index: number): void => {
      if (index === 1) run.gro.endOfPoll(0);
    };
    expect(lengths(flow, train(4), endPoll)).toEqual([200, 200]);
  });

  test("S13 ack: pure acknowledgments do not coalesce", () => {
    expect(lengths(flow, [{ length: 0 }, { length: 0 }, { length: 0 }])).toEqual([0, 0, 0]);
  });

  test("S13 flags_psh: PSH ends a train", () => {
    const sent = train(5).map((one, i) => (i === 2 ? { ...one, flags: tcp.ACK | tcp.PSH } : one));
    expect(lengths(flow, sent)).toEqual([300, 200]);
  });

  test.each([
    ["flags_syn", tcp.SYN],
    ["flags_rst", tcp.RST],
    ["flags_urg", tcp.URG],
  ])("S13 %s ends a train and goes alone", (_name, flag) => {
    const sent = train(5).map((one, i) => (i === 2 ? { at: 200, length: 0, flags: tcp.ACK | flag } : one));
    expect(lengths(flow, [...sent.slice(0, 3), ...sent.slice(3)])).toEqual([200, 0, 200]);
  });

  test("S13 flags_cwr: CWR begins a new train", () => {
    const sent = train(5).map((one, i) => (i === 1 || i === 2 ? { ...one, flags: tcp.ACK | tcp.CWR } : one));
    expect(lengths(flow, sent)).toEqual([100, 100, 300]);
  });

  test("S13 tcp_csum: a wrong checksum is not merged", () => {
    const spoil = (frame: Uint8Array, of: Flow): void => {
      const offsets = offsetsOf(of);
      const transport = of.tunnel === "none" ? offsets.transport : offsets.innerTransport;
      frame[transport + 17]! ^= 1;
    };
    expect(lengths(flow, [{}, { at: 100, spoil }]).sort()).toEqual([100, 100]);
  });

  test("S13 tcp_seq: a gap is not merged", () => {
    expect(lengths(flow, [{}, { at: 101 }])).toEqual([100, 100]);
  });

  test("S13 tcp_ts: different timestamps are not merged", () => {
    const ts = (value: number, order: number): readonly number[] => {
      const option = [8, 10, 0, 0, 0, value, 0, 0, 0, 0];
      return order === 0 ? [1, 1, ...option] : order === 1 ? [1, ...option, 1] : [...option, 1, 1];
    };
    const sent = [ts(0, 0), ts(0, 0), ts(100, 0), ts(100, 1), ts(100, 2)].map((tcpOptions, i) => ({
      at: i * 100,
      change: { tcpOptions },
    }));
    expect(lengths(flow, sent)).toEqual([200, 100, 100, 100]);
  });

  test("S13 tcp_opt: different options are not merged", () => {
    const ts = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
    const sent = [ts, ts, [1, 3, 3, 0]].map((tcpOptions, i) => ({ at: i * 100, change: { tcpOptions } }));
    expect(lengths(flow, sent)).toEqual([200, 100]);
  });

  test("S13 ip_ecn: different ECN is not merged", () => {
    expect(lengths(flow, [{}, { at: 100, change: { tos: 2 } }])).toEqual([100, 100]);
  });

  test("S13 ip_tos: different TOS or traffic class is not merged", () => {
    expect(lengths(flow, [{}, { at: 100, change: { tos: v4 ? 1 : 0xf0 } }])).toEqual([100, 100]);
  });

  test("S13 ip_ttl: different TTL or hop limit is not merged", () => {
    expect(lengths(flow, [{}, { at: 100, change: { ttl: 7 } }])).toEqual([100, 100]);
  });

  test("S13 single: one packet stays as it is", () => {
    expect(lengths(flow, [{}])).toEqual([100]);
  });

  test("S13 large_max and large_rem: a merged packet is no longer than IP allows", () => {
    const pool = makePool();
    const headers = offsetsOf(flow).payload - 14;
    const most = 65_535 - headers;
    const mss = 4096 - headers;
    const count = Math.floor(most / mss);
    const remainder = most % mss;
    const send = (last: number): number[] => {
      const sent: Sent[] = [
        ...train(count, mss),
        { at: count * mss, length: last },
        { at: (count + 1) * mss, length: last },
      ];
      return lengths(flow, sent);
    };
    expect(send(remainder)).toEqual([most, remainder]);
    expect(send(remainder + 1)).toEqual([most - remainder, remainder + 1, remainder + 1]);
    pool.assertDrained();
  });

  test("S13 capacity: four flows interleaved coalesce each for itself", () => {
    const flows = [0, 1, 2, 3].map((i) => ({ sourcePort: 1500 + i }));
    const first = flows.map((change) => ({ at: 0, length: 200, change: { ...change, id: 7 } }));
    const second = flows.map((change) => ({ at: 200, length: 200, change, flags: tcp.ACK | tcp.PSH }));
    const sent = [...first, ...second].map((one, i) => ({
      ...one,
      change: { ...one.change, fixedId: true, fixedOuterId: true, id: i % 4 },
    }));
    expect(lengths(flow, sent)).toEqual([400, 400, 400, 400]);
  });

  const idCases: readonly (readonly [string, boolean, readonly number[], readonly number[]])[] = [
    ["ip_id_df1_inc", true, [8, 9], [200]],
    ["ip_id_df1_fixed", true, [8, 8], [200]],
    ["ip_id_df0_inc", false, [8, 9], [200]],
    ["ip_id_df0_fixed", false, [8, 8], [200]],
    ["ip_id_df1_inc_fixed", true, [8, 9, 9], [200, 100]],
    ["ip_id_df1_fixed_inc", true, [8, 8, 9], [200, 100]],
  ];
  if (v4)
    test.each(idCases)("S13 %s", (_name, df, ids, expected) => {
      const sent = ids.map((id, i) => ({ at: i * 100, change: { df, id, fixedId: true } }));
      expect(lengths(flow, sent)).toEqual(expected);
    });

  if (v4)
    test("S13 ip_opt: IPv4 options are not merged", () => {
      // The second frame has four NOPs in its IP header: built by hand from the plain one.
      const pool = makePool();
      const run = groRun(pool);
      for (const [i, withOptions] of [false, true, false].entries()) {
        const part = { index: i, offset: i * 100, isFirst: true, isLast: true };
        const frame = frameOf(flow, payloadOf(100), part);
        run.give(withOptions ? insertOptions(frame, innermostIp(flow)) : frame);
      }
      run.gro.endOfPoll(0);
      expect(run.out.map(payloadLength).sort()).toEqual([100, 100, 100]);
      run.release();
      pool.assertDrained();
    });

  if (v4)
    test("S13 ip_frag4: fragments are not merged", () => {
      const spoil = (frame: Uint8Array, of: Flow): void => {
        const at = innermostIp(of);
        frame[at + 6]! |= 0x20;
        fixIp4(frame, at);
      };
      expect(lengths(flow, [{}, { at: 100, spoil }])).toEqual([100, 100]);
    });

  if (!v4)
    test("S13 ip_frag6: fragments are not merged", () => {
      // A fragment header stands where the extension header was.
      const spoil = (frame: Uint8Array, of: Flow): void => {
        const at = innermostIp(of);
        frame[at + 6] = 44;
        frame.set([6, 0, 0, 0, 0, 0, 0, 0], at + 40);
      };
      const sent = [...train(2), { at: 200, change: { extension: true }, spoil }, { at: 300 }];
      expect(lengths(flow, sent).sort()).toEqual([100, 100, 200]);
    });

  if (!v4)
    test("S13 ip_v6ext_same: the same extension headers are merged", () => {
      const change = { extension: true };
      expect(lengths(flow, [{ change }, { at: 100, change }])).toEqual([200]);
    });

  if (!v4)
    test("S13 ip_v6ext_diff: different extension headers are not", () => {
      const change = { extension: true };
      const spoil = (frame: Uint8Array, of: Flow): void => {
        frame[innermostIp(of) + 44] = 0x11;
      };
      expect(lengths(flow, [{ change }, { at: 100, change, spoil }])).toEqual([100, 100]);
    });
});

function fixIp4(frame: Uint8Array, at: number): void {
  frame.set([0, 0], at + 10);
  let sum = 0;
  const bytes = (frame[at]! & 15) * 4;
  for (let i = 0; i < bytes; i += 2) sum += (frame[at + i]! << 8) | frame[at + i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  frame.set([(~sum >> 8) & 0xff, ~sum & 0xff], at + 10);
}

/** Puts four NOPs behind the IPv4 header at `at`, and adds 4 to the lengths of all IPv4 headers up to there. */
function insertOptions(frame: Uint8Array, at: number): Uint8Array {
  const out = new Uint8Array(frame.length + 4);
  out.set(frame.subarray(0, at + 20));
  out.set([1, 1, 1, 1], at + 20);
  out.set(frame.subarray(at + 20), at + 24);
  for (let ip = 14; ip <= at; ip += 20) {
    const total = ((out[ip + 2]! << 8) | out[ip + 3]!) + 4;
    out.set([total >> 8, total & 0xff], ip + 2);
    if (ip === at) out[ip] = 0x46;
    fixIp4(out, ip);
  }
  return out;
}
