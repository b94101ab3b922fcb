import { expect, test } from "vitest";
import { WOULD_BLOCK } from "../src/index.ts";
import { Script, SYN_OPTIONS } from "./script.ts";

const seconds = (n: number): number => n * 1_000_000_000;

test("RFC 9293 §3.8.4: an answer to a keepalive keeps it, and the next one comes after the idle time again", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) =>
    endpoint.setOptions(c, { keepalive: true, keepIdle: seconds(10), keepIntvl: seconds(2), keepCnt: 3 }, now),
  );
  for (let i = 0; i < 3; i++) {
    s.wait(10_100);
    expect(s.lines()).toEqual([". 0:0(0) ack 1"]);
    s.say({ seq: 1, ack: 1 });
  }
  expect(c.state).toBe("ESTABLISHED");
  expect(s.endpoint.extMib.TCPKeepAlive).toBe(3);
  s.finish();
});

test("RFC 1122 §4.2.3.6: keepalive is off unless asked for, and asks nothing while data is out", () => {
  const s = new Script();
  const c = s.accepted();
  s.wait(3 * 7_200_000);
  expect(s.hear()).toEqual([]);
  s.do((endpoint, now) =>
    endpoint.setOptions(c, { keepalive: true, keepIdle: seconds(1), keepIntvl: seconds(1), keepCnt: 2 }, now),
  );
  s.write(c, 100);
  s.wait(5000);
  expect(s.endpoint.extMib.TCPKeepAlive).toBe(0);
  expect(s.hear().every((h) => h.length === 100)).toBe(true);
  s.finish();
});

test("RFC 1122 §4.2.2.17: a peer that answers probes of its closed window is probed for ever", () => {
  const s = new Script({ tcp_retries2: 5 });
  const c = s.accepted(SYN_OPTIONS, 0);
  s.write(c, 500);
  for (let i = 0; i < 300; i++) {
    s.wait(200);
    if (s.hear().length > 0) s.say({ seq: 1, ack: 1, win: 0 });
  }
  expect(c.state).toBe("ESTABLISHED");
  expect(c.error).toBeUndefined();
  s.finish();
});

test("RFC 9293 §3.8.6.1: a peer that answers no probe is given up after tcp_retries2", () => {
  const s = new Script({ tcp_retries2: 3 });
  const c = s.accepted(SYN_OPTIONS, 0);
  s.write(c, 500);
  s.wait(120_000);
  expect(c.error).toBe("ETIMEDOUT");
  s.finish();
});

test("RFC 5482 §3: TCP_USER_TIMEOUT bounds a closed window and unanswered keepalives, too", () => {
  const closed = new Script();
  const c = closed.accepted(SYN_OPTIONS, 0);
  closed.do((endpoint, now) => endpoint.setOptions(c, { userTimeout: seconds(5) }, now));
  closed.write(c, 500);
  for (let i = 0; i < 20; i++) {
    closed.wait(1000);
    if (c.state !== "CLOSE" && closed.hear().length > 0) closed.say({ seq: 1, ack: 1, win: 0 });
  }
  expect(c.error).toBe("ETIMEDOUT");
  closed.finish();

  const idle = new Script();
  const d = idle.accepted();
  const options = {
    keepalive: true,
    keepIdle: seconds(2),
    keepIntvl: seconds(1),
    keepCnt: 100,
    userTimeout: seconds(6),
  };
  idle.do((endpoint, now) => endpoint.setOptions(d, options, now));
  idle.wait(5000);
  expect(d.state).toBe("ESTABLISHED");
  idle.wait(3000);
  expect(d.error).toBe("ETIMEDOUT");
  idle.finish();
});

test("RFC 9293 §3.7.4, Minshall: behind a full segment a small one goes, behind a small one it waits", () => {
  const s = new Script();
  const c = s.accepted();
  s.write(c, 1000);
  s.write(c, 10);
  expect(s.hear().map((h) => h.length)).toEqual([1000, 10]);
  s.write(c, 10);
  expect(s.hear()).toEqual([]);
  s.say({ seq: 1, ack: 1001 });
  expect(s.hear()).toEqual([]);
  s.say({ seq: 1, ack: 1011 });
  expect(s.hear().map((h) => h.length)).toEqual([10]);
  s.finish();
});

test("TCP_CORK lets a part of a segment go after 200 ms", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.setOptions(c, { cork: true }, now));
  s.write(c, 100);
  expect(s.hear()).toEqual([]);
  s.wait(250);
  expect(s.hear().map((h) => h.length)).toEqual([100]);
  s.finish();
});

test("tcp_enter_quickack_mode: the first segments of a connection are acknowledged at once", () => {
  const s = new Script();
  const c = s.accepted();
  for (let i = 0; i < 4; i++) s.say({ seq: 1 + 100 * i, ack: 1, data: 100 });
  expect(s.hear().map((h) => h.ack)).toEqual([101, 201, 301, 401]);
  s.read(c);
  s.finish();
});

test("TCP_QUICKACK 1 acknowledges what waits, 0 lets acknowledgments wait", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.setQuickack(c, 0, now));
  s.say({ seq: 1, ack: 1, data: 100 });
  expect(s.lines()).toEqual([]);
  s.do((endpoint, now) => endpoint.setQuickack(c, 1, now));
  expect(s.lines()).toEqual([". 1:1(0) ack 101"]);
  s.finish();
});

test("RFC 9293 §3.8.6.3: data that goes out carries the acknowledgment that waits", () => {
  const s = new Script({ quickacks: 0 });
  const c = s.accepted();
  s.say({ seq: 1, ack: 1, data: 100 });
  s.write(c, 50);
  expect(s.lines()).toEqual(["P. 1:51(50) ack 101"]);
  s.wait(100);
  expect(s.hear()).toEqual([]);
  s.finish();
});

test("RFC 6093 §3: a later pointer takes the place of an earlier one, and SO_OOBINLINE leaves the byte in the stream", () => {
  const s = new Script();
  const c = s.accepted(SYN_OPTIONS, 1000, { options: { oobInline: true } });
  s.say({ flags: "P.U", seq: 1, ack: 1, urg: 2, data: Uint8Array.of(1, 2, 3) });
  s.say({ flags: "P.U", seq: 4, ack: 1, urg: 1, data: Uint8Array.of(4) });
  const into = new Uint8Array(10);
  const parts: number[][] = [];
  for (let n = s.endpoint.receive(c, into, 0, s.now); n > 0; n = s.endpoint.receive(c, into, 0, s.now))
    parts.push([...into.subarray(0, n)]);
  expect(parts.flat()).toEqual([1, 2, 3, 4]);
  // Reading stops at the mark.
  expect(parts[0]).toEqual([1, 2, 3]);
  expect(s.read(c)).toBe(WOULD_BLOCK);
  s.finish();
});

test("tcp_rcv_space_adjust: a reader that keeps up gets a larger window, up to tcp_rmem", () => {
  const run = (moderate: number): number => {
    const s = new Script({ tcp_moderate_rcvbuf: moderate });
    const c = s.accepted();
    for (let round = 0, seq = 1; round < 30; round++) {
      s.hear();
      const room = Math.min(c.rcvWnd, 400_000);
      for (let sent = 0; sent + 1000 <= room; sent += 1000, seq += 1000) {
        s.say({ seq, ack: 1, data: 1000 });
        s.read(c);
      }
      s.wait(20);
    }
    const window = c.rcvWnd;
    s.finish();
    return window;
  };
  const [tuned, fixed] = [run(1), run(0)];
  expect(fixed).toBeLessThan(131_072);
  expect(tuned).toBeGreaterThan(2 * fixed);
  expect(tuned).toBeLessThanOrEqual(6_291_456);
});
