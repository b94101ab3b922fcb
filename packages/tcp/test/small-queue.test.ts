import { expect, test } from "vitest";
import type { TcpConnection } from "../src/index.ts";
import { Script } from "./script.ts";

/** What a segment of a full MSS of the scripts counts: 1000 bytes, its header and what a queued segment costs. */
const CHARGE = 1000 + 20 + 1024;

function sender(limit: number): { readonly s: Script; readonly c: TcpConnection } {
  const s = new Script({ tcp_limit_output_bytes: limit }, { smallQueues: true });
  const c = s.accepted();
  return { s, c };
}

test("tcp_small_queue_check: what has not left the host holds back what would go next", () => {
  const { s, c } = sender(3 * CHARGE);
  s.write(c, 10_000);
  // Two segments at a time (tcp_min_tso_segs): the second two begin below the limit and exceed it.
  expect(s.lines()).toEqual([
    ". 1:1001(1000) ack 1",
    "P. 1001:2001(1000) ack 1",
    ". 2001:3001(1000) ack 1",
    "P. 3001:4001(1000) ack 1",
  ]);
  expect(c.wmemAlloc).toBe(4 * CHARGE);
  s.finish();
});

test("tcp_wfree: as segments leave, the rest goes, at once and within the limit", () => {
  const { s, c } = sender(3 * CHARGE);
  s.write(c, 10_000);
  s.hear();
  s.wait(2);
  s.do((endpoint, now) => endpoint.transmitted(c, 2 * CHARGE, now));
  expect(s.endpoint.nextTimeout()).toBe(s.now);
  s.wait(0);
  expect(s.lines()).toEqual([". 4001:5001(1000) ack 1", "P. 5001:6001(1000) ack 1"]);
  s.wait(2);
  s.do((endpoint, now) => endpoint.transmitted(c, 4 * CHARGE, now));
  s.wait(0);
  expect(s.lines()).toHaveLength(4);
  expect(c.wmemAlloc).toBe(4 * CHARGE);
  s.finish();
});

test("tcp_small_queue_check: with one segment in flight the next one goes, whatever waits", () => {
  const { s, c } = sender(1);
  s.write(c, 10_000);
  expect(s.lines().length).toBeGreaterThanOrEqual(2);
  s.finish();
});

test("the limit is about a millisecond of the pacing rate, where pacing is on", () => {
  const { s, c } = sender(1_048_576);
  s.do((endpoint, now) => endpoint.setOptions(c, { maxPacingRate: 8_000_000 }, now));
  s.write(c, 60_000);
  s.wait(100);
  // 8 MB/s >> 10 is 7812 bytes: nothing has left, so it stays at that and the one above.
  expect(c.wmemAlloc).toBeGreaterThan(7812);
  expect(c.wmemAlloc).toBeLessThanOrEqual(7812 + CHARGE);
  s.finish();
});

test("acknowledgments and drivers that do not tell count nothing", () => {
  const s = new Script({ tcp_limit_output_bytes: 1 });
  const c = s.accepted();
  s.write(c, 10_000);
  expect(s.hear()).toHaveLength(10);
  expect(c.wmemAlloc).toBe(0);
  s.finish();
});

test("word of segments that left does no harm after the connection has closed", () => {
  const { s, c } = sender(3 * CHARGE);
  s.write(c, 10_000);
  s.say({ flags: "R", seq: 1 });
  expect(c.state).toBe("CLOSE");
  s.do((endpoint, now) => endpoint.transmitted(c, 4 * CHARGE, now));
  s.wait(0);
  expect(c.wmemAlloc).toBe(0);
  s.finish();
});
