import { expect, test } from "vitest";
import type { TcpConnection } from "../src/index.ts";
import { Script, SYN_OPTIONS, type TcpOption } from "./script.ts";

/** Says `ack` with SACK blocks. */
function sack(s: Script, ack: number, ...edges: number[]): void {
  const blocks = [];
  for (let i = 0; i < edges.length; i += 2)
    blocks.push({ left: (s.iss + (edges[i] as number)) >>> 0, right: (s.iss + (edges[i + 1] as number)) >>> 0 });
  s.say({ seq: 1, ack, options: [{ kind: "nop" }, { kind: "nop" }, { kind: "sack", blocks }] });
}

/** A connection with timestamps; `echo` says what our last segment's was. */
function stamped(): { readonly s: Script; readonly c: TcpConnection; readonly echo: (value: number) => TcpOption[] } {
  const s = new Script({ tcp_timestamps: 1, tcp_early_retrans: 0 });
  const listener = s.listen();
  const stamp = (value: number, echoReply: number): TcpOption[] => [{ kind: "timestamps", value, echoReply }];
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, ...stamp(1000, 0)] });
  const [synAck] = s.hear();
  s.wait(20);
  s.say({ seq: 1, ack: 1, options: stamp(1020, stampOf(synAck?.options)) });
  const c = s.endpoint.accept(listener, s.now);
  if (c === undefined) throw new Error("no connection came about");
  return { s, c, echo: (value) => stamp(2000, value) };
}

function stampOf(options: readonly TcpOption[] | undefined): number {
  const option = options?.find(({ kind }) => kind === "timestamps");
  return option?.kind === "timestamps" ? option.value : 0;
}

test("RFC 3522 §3.2: an echo older than the retransmission tells that the timeout was spurious (Eifel)", () => {
  const { s, c, echo } = stamped();
  s.write(c, 5000);
  const first = stampOf(s.hear()[0]?.options);
  s.wait(300);
  const second = stampOf(s.hear()[0]?.options);
  expect(second).toBeGreaterThan(first);
  expect(c.caState).toBe("loss");
  s.say({ seq: 1, ack: 1001, options: echo(first) });
  expect(c.caState).toBe("open");
  expect(c.sndCwnd).toBeGreaterThanOrEqual(10);
  expect(s.endpoint.extMib.TCPLossUndo).toBe(1);
  s.finish();
});

test("RFC 3522 §3.2: an echo of the retransmission itself takes nothing back", () => {
  const { s, c, echo } = stamped();
  s.write(c, 5000);
  s.hear();
  s.wait(300);
  const second = stampOf(s.hear()[0]?.options);
  s.wait(20);
  s.say({ seq: 1, ack: 1001, options: echo(second) });
  expect(c.caState).toBe("loss");
  expect(s.endpoint.extMib.TCPLossUndo).toBe(0);
  s.finish();
});

test("RFC 5682 §3.1 step 3: when what was sent anew is acknowledged by nobody and duplicates come, the timeout stands", () => {
  const s = new Script({ tcp_early_retrans: 0 });
  const c = s.accepted();
  s.write(c, 20_000);
  s.wait(300);
  s.hear();
  s.say({ seq: 1, ack: 1001 });
  sack(s, 1001, 10_001, 11_001);
  expect(c.caState).toBe("loss");
  expect(s.endpoint.extMib.TCPSpuriousRTOs).toBe(0);
  s.finish();
});

test("RFC 5682 §3.1 step 2: after the first acknowledgment new data goes, and not a second retransmission", () => {
  const s = new Script({ tcp_early_retrans: 0 });
  const c = s.accepted();
  s.write(c, 20_000);
  s.hear();
  s.wait(300);
  expect(s.hear().map((h) => h.seq)).toEqual([1]);
  s.say({ seq: 1, ack: 1001 });
  expect(s.hear().map((h) => h.seq)).toEqual([10_001, 11_001]);
  expect(c.caState).toBe("loss");
  s.finish();
});

test("tcp_frto 0: after a timeout the rest is taken to be lost", () => {
  const s = new Script({ tcp_early_retrans: 0, tcp_frto: 0 });
  const c = s.accepted();
  s.write(c, 20_000);
  s.wait(300);
  s.hear();
  s.say({ seq: 1, ack: 1001 });
  expect(s.hear().map((h) => h.seq)).toEqual([1001, 2001]);
  expect(c.lostOut).toBe(9);
  s.finish();
});

test("RFC 3042 §2: without SACK the first two duplicate acknowledgments let one new segment each go, beyond cwnd", () => {
  const s = new Script();
  const c = s.accepted([{ kind: "mss", value: 1000 }], 50_000);
  s.wait(20);
  s.write(c, 20_000);
  s.wait(20);
  s.hear();
  s.say({ seq: 1, ack: 1, win: 50_000 });
  s.wait(2);
  s.say({ seq: 1, ack: 1, win: 50_000 });
  expect(s.hear().map((h) => h.seq)).toEqual([10_001, 11_001]);
  expect(c.caState).toBe("disorder");
  expect(c.sndCwnd).toBe(10);
  s.finish();
});

test("RFC 3042 §2: with SACK the segments that have left make room for as many", () => {
  const s = new Script();
  const c = s.accepted();
  s.wait(20);
  s.write(c, 20_000);
  s.wait(20);
  s.hear();
  sack(s, 1, 1001, 2001);
  s.wait(2);
  sack(s, 1, 1001, 3001);
  expect(s.hear().map((h) => h.seq)).toEqual([10_001, 11_001]);
  expect(c.sackedOut).toBe(2);
  s.finish();
});
