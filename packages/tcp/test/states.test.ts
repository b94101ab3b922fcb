import { expect, test } from "vitest";
import { Script, SYN_OPTIONS } from "./script.ts";

test("RFC 9293 §3.5 figure 6: a passive open answers SYN with SYN/ACK in the kernel's order of options", () => {
  const s = new Script({ tcp_timestamps: 1 });
  s.listen();
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, { kind: "timestamps", value: 100, echoReply: 0 }] });
  const [synAck] = s.hear();
  expect(synAck?.flags).toBe("S.");
  expect(synAck?.ack).toBe(1);
  expect(synAck?.options.map((option) => option.kind)).toEqual([
    "mss",
    "sack-permitted",
    "timestamps",
    "nop",
    "window-scale",
  ]);
  s.finish();
});

test("RFC 9293 §3.5 figure 7: SYNs that cross make one connection", () => {
  const s = new Script();
  const c = s.connect();
  expect(s.lines()).toEqual(["S 0:0(0)"]);
  s.say({ flags: "S", win: 65_535, options: SYN_OPTIONS });
  expect(c.state).toBe("SYN_RECV");
  expect(s.lines()).toEqual(["S. 0:0(0) ack 1"]);
  s.say({ flags: ".", seq: 1, ack: 1 });
  expect(c.state).toBe("ESTABLISHED");
  expect(s.eventTypes()).toContain("connected");
  s.finish();
});

test("RFC 9293 §3.10.7.3: in SYN-SENT a wrong acknowledgment is answered with RST, and RST without ACK is nothing", () => {
  const s = new Script();
  const c = s.connect();
  s.hear();
  s.say({ flags: "S.", ack: 77, win: 100 });
  expect(s.lines()).toEqual(["R 77:77(0)"]);
  s.say({ flags: "R", win: 0 });
  expect(c.state).toBe("SYN_SENT");
  s.say({ flags: "R.", ack: 1, win: 0 });
  expect(c.state).toBe("CLOSE");
  expect(c.error).toBe("ECONNREFUSED");
  s.finish();
});

test("RFC 9293 §3.10.7.1: a segment for nobody is answered with RST, a RST with nothing", () => {
  const s = new Script();
  s.say({ flags: "S", seq: 5 });
  s.say({ flags: ".", seq: 5, ack: 9 });
  s.say({ flags: "R", seq: 5 });
  expect(s.lines()).toEqual(["R. 0:0(0) ack 6", "R 9:9(0)"]);
  expect(s.drops).toEqual(["NO_SOCKET", "NO_SOCKET", "NO_SOCKET"]);
  s.finish();
});

test("RFC 9293 §3.6 case 1: we close first, and wait in TIME-WAIT for 60 s", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.close(c, now));
  expect(s.lines()).toEqual(["F. 1:1(0) ack 1"]);
  expect(c.state).toBe("FIN_WAIT1");
  s.say({ seq: 1, ack: 2 });
  s.say({ flags: "F.", seq: 1, ack: 2 });
  expect(s.lines()).toEqual([". 2:2(0) ack 2"]);
  expect([...s.endpoint.entries()].map((entry) => entry.state)).toEqual(["TIME_WAIT"]);
  s.wait(59_000);
  expect([...s.endpoint.entries()]).toHaveLength(1);
  s.wait(2000);
  expect([...s.endpoint.entries()]).toEqual([]);
  s.finish();
});

test("RFC 9293 §3.6 case 2: the peer closes first", () => {
  const s = new Script();
  const c = s.accepted();
  s.say({ flags: "F.", seq: 1, ack: 1 });
  expect(c.state).toBe("CLOSE_WAIT");
  expect(s.read(c)).toBe(0);
  s.wait(50);
  s.hear();
  s.do((endpoint, now) => endpoint.close(c, now));
  expect(c.state).toBe("LAST_ACK");
  expect(s.lines()).toEqual(["F. 1:1(0) ack 2"]);
  s.say({ seq: 2, ack: 2 });
  expect(c.state).toBe("CLOSE");
  expect([...s.endpoint.entries()]).toEqual([]);
  s.finish();
});

test("RFC 9293 §3.6 case 3: both close at once", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.close(c, now));
  s.say({ flags: "F.", seq: 1, ack: 1 });
  expect(c.state).toBe("CLOSING");
  s.say({ seq: 2, ack: 2 });
  expect([...s.endpoint.entries()].map((entry) => entry.state)).toEqual(["TIME_WAIT"]);
  s.finish();
});

test("RFC 9293 §3.6: after a half close data still comes in", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.shutdown(c, "write", now));
  s.say({ seq: 1, ack: 2 });
  expect(c.state).toBe("FIN_WAIT2");
  s.say({ flags: "P.", seq: 1, ack: 2, data: 100 });
  expect(s.read(c)).toBe(100);
  expect(() => s.write(c, 1)).toThrow(expect.objectContaining({ code: "EPIPE" }));
  s.finish();
});

test("RFC 2525 §2.17: closing with unread data resets", () => {
  const s = new Script();
  const c = s.accepted();
  s.say({ flags: "P.", seq: 1, ack: 1, data: 10 });
  s.hear();
  s.do((endpoint, now) => endpoint.close(c, now));
  expect(s.lines()).toEqual(["R. 1:1(0) ack 11"]);
  expect(s.endpoint.extMib.TCPAbortOnClose).toBe(1);
  s.finish();
});

test("RFC 1122 §4.2.2.13: data for a closed socket is answered with RST", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.close(c, now));
  s.hear();
  s.say({ flags: "P.", seq: 1, ack: 1, data: 10 });
  expect(s.lines()).toEqual(["R 1:1(0)"]);
  s.finish();
});

test("SO_LINGER 0 closes with RST", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.setOptions(c, { linger: 0 }, now));
  s.do((endpoint, now) => endpoint.close(c, now));
  expect(s.lines()).toEqual(["R. 1:1(0) ack 1"]);
  expect([...s.endpoint.entries()]).toEqual([]);
  s.finish();
});

test("RFC 5961 §3.2: a RST counts at RCV.NXT exactly; elsewhere in the window it is challenged, outside it is dropped", () => {
  const s = new Script();
  const c = s.accepted();
  s.say({ flags: "R", seq: 500 });
  expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
  s.say({ flags: "R", seq: -500 });
  expect(s.lines()).toEqual([]);
  expect(c.state).toBe("ESTABLISHED");
  s.say({ flags: "R", seq: 1 });
  expect(c.state).toBe("CLOSE");
  expect(c.error).toBe("ECONNRESET");
  s.finish();
});

test("RFC 5961 §4.2, §7: a SYN is challenged, twice a second at most", () => {
  const s = new Script();
  s.accepted();
  s.say({ flags: "S", seq: 1 });
  s.say({ flags: "S", seq: 2 });
  expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
  expect(s.endpoint.extMib.TCPSYNChallenge).toBe(2);
  expect(s.endpoint.extMib.TCPACKSkippedChallenge).toBe(1);
  s.wait(600);
  s.say({ flags: "S", seq: 3 });
  expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
  s.finish();
});

test("RFC 5961 §5.2: an acknowledgment from long ago is challenged", () => {
  const s = new Script();
  const c = s.accepted();
  s.say({ seq: 1, ack: -200_000 });
  expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
  expect(s.drops).toContain("TCP_TOO_OLD_ACK");
  expect(c.state).toBe("ESTABLISHED");
  s.finish();
});

test("RFC 7323 §5: PAWS drops and acknowledges what is older than TS.Recent", () => {
  const s = new Script({ tcp_timestamps: 1 });
  const listener = s.listen();
  const stamp = (value: number) => [{ kind: "timestamps", value, echoReply: 0 }] as const;
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, ...stamp(1000)] });
  s.say({ seq: 1, ack: 1, options: stamp(1001) });
  const c = s.endpoint.accept(listener, s.now);
  s.hear();
  s.say({ flags: "P.", seq: 1, ack: 1, data: 10, options: stamp(900) });
  expect(s.endpoint.extMib.PAWSEstab).toBe(1);
  expect(s.drops).toContain("TCP_RFC7323_PAWS");
  expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
  expect(c?.rcvNxt).toBe(c?.copiedSeq);
  s.finish();
});

test("RFC 1337: a RST ends TIME-WAIT only where tcp_rfc1337 is 0", () => {
  for (const [setting, left] of [
    [0, 0],
    [1, 1],
  ] as const) {
    const s = new Script({ tcp_rfc1337: setting });
    const c = s.accepted();
    s.do((endpoint, now) => endpoint.close(c, now));
    s.say({ flags: "F.", seq: 1, ack: 2 });
    s.say({ flags: "R", seq: 2 });
    expect([...s.endpoint.entries()]).toHaveLength(left);
    s.finish();
  }
});

test("RFC 9293 §3.6.1: a SYN above the old sequence numbers takes the place of a TIME-WAIT", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.close(c, now));
  s.say({ flags: "F.", seq: 1, ack: 2 });
  s.hear();
  s.say({ flags: "S", seq: 100_000, win: 65_535, options: SYN_OPTIONS });
  expect(s.hear().map((h) => h.flags)).toEqual(["S."]);
  s.finish();
});

test("RFC 6298 §5.5: a SYN is repeated after 1 s, linearly and then more slowly, and then it times out", () => {
  const s = new Script({ tcp_syn_retries: 2, tcp_syn_linear_timeouts: 1 });
  const c = s.connect();
  s.wait(60_000);
  expect(s.hear().map((h) => Math.round(h.at / 1e9))).toEqual([1, 2, 3, 5]);
  expect(c.error).toBe("ETIMEDOUT");
  s.finish();
});

test("a SYN/ACK is repeated until tcp_synack_retries, then the embryo is gone", () => {
  const s = new Script({ tcp_synack_retries: 2 });
  s.listen();
  s.say({ flags: "S", win: 65_535, options: SYN_OPTIONS });
  s.wait(30_000);
  expect(s.hear().map((h) => Math.round(h.at / 1e9))).toEqual([1, 2, 4]);
  expect([...s.endpoint.entries()]).toEqual([]);
  s.finish();
});

test("tcp_conn_request: a full accept queue drops the SYN, and counts it", () => {
  const s = new Script({ tcp_syncookies: 0 });
  s.listen({ backlog: 0 });
  s.say({ flags: "S", win: 65_535, options: SYN_OPTIONS });
  s.say({ seq: 1, ack: 1 });
  expect([...s.endpoint.entries()]).toHaveLength(1);
  s.hear();
  s.say({ flags: "S", win: 65_535, options: SYN_OPTIONS, port: 4001 });
  expect(s.hear()).toEqual([]);
  expect([...s.endpoint.entries()]).toHaveLength(1);
  expect(s.endpoint.extMib).toMatchObject({ ListenOverflows: 1, ListenDrops: 1 });
  s.finish();
});

test("RFC 4987 §3.6: under pressure a cookie carries the handshake, with scale and SACK in the timestamp", () => {
  const s = new Script({ tcp_syncookies: 2, tcp_timestamps: 1 });
  const listener = s.listen();
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, { kind: "timestamps", value: 5, echoReply: 0 }] });
  expect([...s.endpoint.entries()]).toEqual([]);
  const [synAck] = s.hear();
  const stamp = synAck?.options.find((option) => option.kind === "timestamps");
  s.say({
    seq: 1,
    ack: 1,
    options: [{ kind: "timestamps", value: 6, echoReply: stamp?.kind === "timestamps" ? stamp.value : 0 }],
  });
  const c = s.endpoint.accept(listener, s.now);
  expect(c?.state).toBe("ESTABLISHED");
  expect(c?.sndWscale).toBe(7);
  expect(c?.sackOk).toBe(true);
  expect(s.endpoint.extMib.SyncookiesRecv).toBe(1);
  s.say({ seq: 1, ack: 12_345 });
  s.finish();
});
