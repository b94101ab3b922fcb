import { expect, test } from "vitest";
import { Script, SYN_OPTIONS, type TcpOption } from "./script.ts";

test("RFC 2385, RFC 5925: a signed segment is dropped and counted, in every state", () => {
  const options: TcpOption[] = [
    { kind: "md5", digest: new Uint8Array(16) },
    { kind: "ao", data: new Uint8Array(14) },
  ];
  for (const option of options) {
    const signed = [option];
    const s = new Script();
    s.listen();
    s.say({ flags: "S", win: 65_535, options: signed });
    expect(s.lines()).toEqual([]);
    expect([...s.endpoint.entries()]).toEqual([]);
    const t = new Script();
    const c = t.accepted();
    t.say({ flags: "P.", seq: 1, ack: 1, data: 10, options: signed });
    expect(t.lines()).toEqual([]);
    expect(t.read(c)).toBeLessThan(0);
    const counter = option.kind === "md5" ? "TCPMD5Unexpected" : "TCPAOKeyNotFound";
    expect([s, t].map(({ endpoint }) => endpoint.extMib[counter])).toEqual([1, 1]);
    expect(t.drops).toHaveLength(1);
    s.finish();
    t.finish();
  }
});

test("RFC 5961 §7: tcp_challenge_ack_limit bounds the challenges of a second, and the next second has its own", () => {
  const s = new Script({ tcp_challenge_ack_limit: 10, tcp_invalid_ratelimit: 0 });
  s.accepted();
  const challenged = (): number => {
    for (let i = 0; i < 40; i++) s.say({ flags: "S", seq: 1 });
    return s.hear().length;
  };
  const first = challenged();
  // Between half of it and one and a half, drawn at random.
  expect(first).toBeGreaterThanOrEqual(5);
  expect(first).toBeLessThan(15);
  s.wait(1000);
  expect(challenged()).toBeGreaterThanOrEqual(5);
  s.finish();
});

test("RFC 5961 §3.2: a RST one beyond RCV.NXT, and one at the window's right edge, are challenged and close nothing", () => {
  for (const seq of [2, 60_000]) {
    const s = new Script();
    const c = s.accepted();
    s.say({ flags: "R", seq });
    expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
    expect(c.state).toBe("ESTABLISHED");
    s.finish();
  }
});

test("RFC 1337 §2: an old duplicate in TIME-WAIT is acknowledged, and a RST at its number ends nothing with tcp_rfc1337", () => {
  const s = new Script({ tcp_rfc1337: 1 });
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.close(c, now));
  s.say({ flags: "F.", seq: 1, ack: 2 });
  s.hear();
  s.say({ flags: "P.", seq: -999, ack: 2, data: 1000 });
  expect(s.lines()).toEqual([". 2:2(0) ack 2"]);
  s.say({ flags: "R", seq: 2 });
  s.wait(59_000);
  expect([...s.endpoint.entries()]).toHaveLength(1);
  s.wait(2000);
  expect([...s.endpoint.entries()]).toHaveLength(0);
  s.finish();
});

test("RFC 9293 §3.6.1: a SYN below the old sequence numbers does not take the place of a TIME-WAIT", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.close(c, now));
  s.say({ flags: "F.", seq: 1, ack: 2 });
  s.hear();
  s.say({ flags: "S", seq: -100_000, win: 65_535, options: SYN_OPTIONS });
  expect(s.lines()).toEqual([". 2:2(0) ack 2"]);
  s.finish();
});

test("RFC 7323 §5.5: after 24 days of silence an older timestamp is taken: nothing that old is on its way", () => {
  const s = new Script({ tcp_timestamps: 1 });
  const listener = s.listen();
  const stamp = (value: number): TcpOption[] => [{ kind: "timestamps", value, echoReply: 0 }];
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, ...stamp(1000)] });
  s.say({ seq: 1, ack: 1, options: stamp(1001) });
  const c = s.endpoint.accept(listener, s.now);
  if (c === undefined) throw new Error("no connection came about");
  s.say({ flags: "P.", seq: 1, ack: 1, data: 10, options: stamp(900) });
  expect(s.read(c)).toBeLessThan(0);
  s.wait(25 * 86_400_000);
  s.say({ flags: "P.", seq: 1, ack: 1, data: 10, options: stamp(900) });
  expect(s.read(c)).toBe(10);
  expect(s.endpoint.extMib.PAWSEstab).toBe(1);
  s.finish();
});

test("RFC 7323 §5.3 R1: a RST is not subject to PAWS", () => {
  const s = new Script({ tcp_timestamps: 1 });
  const listener = s.listen();
  const stamp = (value: number): TcpOption[] => [{ kind: "timestamps", value, echoReply: 0 }];
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, ...stamp(1000)] });
  s.say({ seq: 1, ack: 1, options: stamp(1001) });
  const c = s.endpoint.accept(listener, s.now);
  s.say({ flags: "R", seq: 1, options: stamp(1) });
  expect(c?.state).toBe("CLOSE");
  s.finish();
});

test("RFC 4987 §3.6: when the queue of SYNs is full cookies take over, and with tcp_syncookies 0 SYNs are dropped", () => {
  for (const cookies of [1, 0]) {
    const s = new Script({ tcp_syncookies: cookies });
    const listener = s.listen({ backlog: 4 });
    const before = s.drops.length;
    const ports = flood(s, 12);
    const held = [...s.endpoint.entries()].length;
    expect(held).toBeLessThanOrEqual(5);
    expect(ports).toBe(12);
    const { TCPReqQFullDoCookies, TCPReqQFullDrop, SyncookiesSent } = s.endpoint.extMib;
    if (cookies === 1) {
      expect([TCPReqQFullDoCookies, SyncookiesSent]).toEqual([12 - held, 12 - held]);
      expect(s.hear()).toHaveLength(12);
    } else {
      expect(TCPReqQFullDrop).toBe(12 - held);
      expect(s.hear()).toHaveLength(held);
    }
    expect(listener.synQueue).toBe(held);
    expect(s.drops.length).toBeGreaterThanOrEqual(before);
    s.finish();
  }
});

/** SYNs from as many ports. */
function flood(s: Script, count: number): number {
  for (let i = 0; i < count; i++)
    s.say({ flags: "S", seq: 5000 * i, win: 65_535, options: SYN_OPTIONS, port: 5000 + i });
  return count;
}
