import { expect, test } from "vitest";
import { MSG_MORE, MSG_OOB, WOULD_BLOCK } from "../src/index.ts";
import { Script, SYN_OPTIONS } from "./script.ts";

/** The peer acknowledges, with SACK blocks. */
function sack(s: Script, ack: number, ...edges: number[]): void {
  const blocks = [];
  for (let i = 0; i < edges.length; i += 2) {
    blocks.push({ left: (s.iss + (edges[i] as number)) >>> 0, right: (s.iss + (edges[i + 1] as number)) >>> 0 });
  }
  s.say({ seq: 1, ack, options: [{ kind: "nop" }, { kind: "nop" }, { kind: "sack", blocks }] });
}

test("RFC 6928: ten segments go at once", () => {
  const s = new Script();
  const c = s.accepted();
  s.write(c, 20_000);
  expect(s.hear().map((h) => h.length)).toEqual(Array.from({ length: 10 }, () => 1000));
  s.finish();
});

test("RFC 5681 §3.1: slow start grows by what is acknowledged", () => {
  const s = new Script();
  const c = s.accepted();
  s.write(c, 20_000);
  s.hear();
  s.wait(10);
  s.say({ seq: 1, ack: 4001 });
  expect(c.sndCwnd).toBe(14);
  expect(s.hear()).toHaveLength(8);
  s.finish();
});

test("RFC 6675, RFC 8985 §6: three SACKed segments show that the first was lost", () => {
  const s = new Script();
  const c = s.accepted();
  s.wait(20);
  s.write(c, 10_000);
  s.wait(20);
  s.hear();
  sack(s, 1, 1001, 4001);
  expect(c.caState).toBe("recovery");
  expect(s.lines()).toEqual([". 1:1001(1000) ack 1"]);
  s.wait(20);
  s.say({ seq: 1, ack: 10_001 });
  expect(c.caState).toBe("open");
  expect(s.endpoint.extMib.TCPFastRetrans).toBe(1);
  s.finish();
});

test("RFC 6582: without SACK three duplicate ACKs do", () => {
  const s = new Script();
  const c = s.accepted([{ kind: "mss", value: 1000 }], 50_000);
  s.wait(20);
  s.write(c, 10_000);
  s.wait(20);
  s.hear();
  for (let i = 0; i < 3; i++) s.say({ seq: 1, ack: 1, win: 50_000 });
  expect(c.caState).toBe("recovery");
  expect(s.lines()).toContain(". 1:1001(1000) ack 1");
  s.finish();
});

test("RFC 3708: a DSACK for the retransmission takes the reduction back", () => {
  const s = new Script();
  const c = s.accepted();
  s.wait(20);
  s.write(c, 10_000);
  s.wait(20);
  sack(s, 1, 1001, 4001);
  expect(c.sndSsthresh).toBeLessThan(10);
  s.wait(20);
  sack(s, 10_001, 1, 1001);
  expect(c.sndCwnd).toBeGreaterThanOrEqual(10);
  expect(s.endpoint.extMib.TCPDSACKUndo + s.endpoint.extMib.TCPFullUndo).toBe(1);
  s.finish();
});

test("RFC 8985 §7: a tail loss probe repeats the last segment after two RTTs", () => {
  const s = new Script();
  const c = s.accepted();
  s.wait(20);
  s.write(c, 1000);
  s.wait(20);
  s.say({ seq: 1, ack: 1001 });
  s.write(c, 3000);
  s.hear();
  s.wait(60);
  expect(s.lines()).toEqual(["P. 3001:4001(1000) ack 1"]);
  expect(s.endpoint.extMib.TCPLossProbes).toBe(1);
  s.finish();
});

test("RFC 6298 §5: the timeout retransmits the first segment, with one segment of window, on another path", () => {
  const s = new Script({ tcp_early_retrans: 0 });
  const c = s.accepted();
  s.write(c, 5000);
  const [first] = s.hear();
  s.wait(300);
  const again = s.hear();
  expect(again.map((h) => h.seq)).toEqual([1]);
  expect(again[0]?.txhash).not.toBe(first?.txhash);
  expect(c.caState).toBe("loss");
  expect(c.sndCwnd).toBe(1);
  expect(c.totalRto).toBe(1);
  s.finish();
});

test("RFC 5682 §3: F-RTO finds a timeout spurious when what was not retransmitted is acknowledged", () => {
  const s = new Script({ tcp_early_retrans: 0 });
  const c = s.accepted();
  s.write(c, 20_000);
  s.wait(300);
  s.hear();
  s.say({ seq: 1, ack: 1001 });
  s.say({ seq: 1, ack: 3001 });
  expect(c.caState).not.toBe("loss");
  expect(s.endpoint.extMib.TCPSpuriousRTOs).toBe(1);
  expect(c.sndCwnd).toBeGreaterThan(5);
  s.finish();
});

test("RFC 9293 §3.8.3: after tcp_retries2 the connection is given up with ETIMEDOUT", () => {
  const s = new Script({ tcp_retries2: 3, tcp_early_retrans: 0 });
  const c = s.accepted();
  s.write(c, 100);
  s.wait(60_000);
  expect(c.error).toBe("ETIMEDOUT");
  expect(s.eventTypes()).toContain("error");
  s.finish();
});

test("RFC 5482: TCP_USER_TIMEOUT gives up earlier", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.setOptions(c, { userTimeout: 3_000_000_000 }, now));
  s.write(c, 100);
  s.wait(3500);
  expect(c.error).toBe("ETIMEDOUT");
  s.finish();
});

test("RFC 9293 §3.8.6.1: a closed window is probed with an old sequence number, more and more slowly", () => {
  const s = new Script();
  const c = s.accepted(SYN_OPTIONS, 0);
  s.write(c, 500);
  expect(s.hear()).toEqual([]);
  s.wait(4000);
  const probes = s.hear();
  expect(probes.map((h) => [h.seq, h.length])).toEqual(probes.map(() => [0, 0]));
  expect(probes.length).toBeGreaterThan(2);
  expect(s.endpoint.extMib.TCPWinProbe).toBe(probes.length);
  s.say({ seq: 1, ack: 1, win: 1000 });
  expect(s.lines()).toEqual(["P. 1:501(500) ack 1"]);
  s.finish();
});

test("RFC 9293 §3.8.6.2.1: a segment does not go beyond the window", () => {
  const s = new Script();
  const c = s.accepted([{ kind: "mss", value: 1000 }], 2500);
  s.write(c, 5000);
  const sent = s.hear().reduce((sum, h) => sum + h.length, 0);
  expect(sent).toBeLessThanOrEqual(2500);
  s.finish();
});

test("RFC 9293 §3.8.4: keepalive asks after an idle time, and gives up", () => {
  const s = new Script();
  const c = s.accepted();
  const seconds = (n: number): number => n * 1_000_000_000;
  s.do((endpoint, now) =>
    endpoint.setOptions(c, { keepalive: true, keepIdle: seconds(10), keepIntvl: seconds(2), keepCnt: 3 }, now),
  );
  s.wait(9000);
  expect(s.hear()).toEqual([]);
  s.wait(20_000);
  const heard = s.hear();
  expect(heard.slice(0, 3).map((h) => [h.flags, h.seq])).toEqual([
    [".", 0],
    [".", 0],
    [".", 0],
  ]);
  expect(heard.at(-1)?.flags).toBe("R.");
  expect(c.error).toBe("ETIMEDOUT");
  s.finish();
});

test("RFC 9293 §3.7.4: Nagle holds a small segment while another is out; TCP_NODELAY does not", () => {
  const s = new Script();
  const c = s.accepted();
  s.write(c, 10);
  s.write(c, 20);
  expect(s.hear().map((h) => h.length)).toEqual([10]);
  s.do((endpoint, now) => endpoint.setOptions(c, { nodelay: true }, now));
  expect(s.hear().map((h) => h.length)).toEqual([20]);
  s.write(c, 5);
  expect(s.hear().map((h) => h.length)).toEqual([5]);
  s.finish();
});

test("TCP_CORK and MSG_MORE hold all that is not a full segment", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.setOptions(c, { cork: true }, now));
  s.write(c, 1100);
  expect(s.hear().map((h) => h.length)).toEqual([1000]);
  s.do((endpoint, now) => endpoint.setOptions(c, { cork: false, nodelay: true }, now));
  expect(s.hear().map((h) => h.length)).toEqual([100]);
  s.write(c, 30, MSG_MORE);
  expect(s.hear()).toEqual([]);
  s.write(c, 30);
  expect(s.hear().map((h) => h.length)).toEqual([60]);
  s.finish();
});

test("RFC 9293 §3.8.6.3: an acknowledgment waits for a second segment, or 40 ms", () => {
  const s = new Script({ quickacks: 0 });
  const c = s.accepted();
  s.say({ seq: 1, ack: 1, data: 1000 });
  expect(s.hear()).toEqual([]);
  s.say({ seq: 1001, ack: 1, data: 1000 });
  s.read(c);
  expect(s.lines()).toEqual([". 1:1(0) ack 2001"]);
  s.say({ seq: 2001, ack: 1, data: 600 });
  const at = s.now;
  s.wait(100);
  const [late] = s.hear();
  expect((late?.at ?? 0) - at).toBe(40_000_000);
  expect(s.endpoint.extMib.DelayedACKs).toBe(1);
  s.finish();
});

test("RFC 2018 §4, RFC 2883 §4: what is out of order is reported, and what came twice before it", () => {
  const s = new Script();
  s.accepted();
  s.say({ seq: 1001, ack: 1, data: 1000 });
  const [first] = s.hear();
  const blocks = first?.options.find((option) => option.kind === "sack");
  expect(blocks?.kind === "sack" ? blocks.blocks.length : 0).toBe(1);
  s.say({ seq: 1001, ack: 1, data: 1000 });
  const [second] = s.hear();
  const dup = second?.options.find((option) => option.kind === "sack");
  expect(dup?.kind === "sack" ? dup.blocks.length : 0).toBe(2);
  s.say({ seq: 1, ack: 1, data: 1000 });
  expect(s.lines()).toEqual([". 1:1(0) ack 2001"]);
  s.finish();
});

test("RFC 9293 §3.8.5, RFC 6093: urgent data goes out with a pointer, comes in out of line, and marks the stream", () => {
  const s = new Script();
  const c = s.accepted();
  s.write(c, 3, MSG_OOB);
  const [out] = s.hear();
  expect(out?.flags).toContain("U");
  expect(out?.urg).toBe(3);
  s.say({ flags: "P.U", seq: 1, ack: 4, urg: 3, data: Uint8Array.of(1, 2, 3, 4) });
  expect(s.eventTypes()).toContain("urgent");
  expect(s.read(c)).toBe(2);
  expect(s.endpoint.atMark(c)).toBe(true);
  const byte = new Uint8Array(1);
  expect(s.endpoint.receive(c, byte, MSG_OOB, s.now)).toBe(1);
  expect(byte[0]).toBe(3);
  expect(s.read(c)).toBe(1);
  expect(s.read(c)).toBe(WOULD_BLOCK);
  s.finish();
});

test("RFC 3168 §6.1: ECN is negotiated, data is ECN-capable, CE is echoed until CWR, ECE halves the window once", () => {
  const s = new Script({ tcp_ecn: 1 });
  const listener = s.listen();
  s.say({ flags: "SEW", win: 65_535, options: SYN_OPTIONS });
  expect(s.hear()[0]?.flags).toBe("S.E");
  s.say({ seq: 1, ack: 1 });
  const c = s.endpoint.accept(listener, s.now);
  if (c === undefined) throw new Error("no connection");
  s.write(c, 10_000);
  expect(s.hear().every((h) => h.ecn === 2)).toBe(true);
  s.say({ seq: 1, ack: 1, data: 1000, ecn: 3 });
  expect(s.hear().at(-1)?.flags).toContain("E");
  s.say({ flags: "W.", seq: 1001, ack: 1, data: 1000, ecn: 2 });
  expect(s.hear().at(-1)?.flags).not.toContain("E");
  s.say({ flags: ".E", seq: 2001, ack: 1001 });
  expect(c.caState).toBe("cwr");
  s.say({ flags: ".E", seq: 2001, ack: 3001 });
  s.say({ flags: ".E", seq: 2001, ack: 6001 });
  expect(s.endpoint.info(c, s.now).snd_ssthresh).toBe(7);
  s.finish();
});

test("RFC 9768 §3.1: AccECN is negotiated where both want it", () => {
  const s = new Script({ tcp_ecn: 3 });
  const c = s.connect();
  expect(s.hear()[0]?.flags).toBe("SEWe");
  s.say({ flags: "S.W", ack: 1, win: 65_535, options: SYN_OPTIONS });
  expect(c.accEcn).toBeDefined();
  s.write(c, 1000);
  expect(s.hear().at(-1)?.ecn).toBe(2);
  s.finish();
});

test("RFC 1191 §6.3, RFC 5927 §4: an ICMP error about something in flight shrinks the segments, any other does not", () => {
  const s = new Script();
  const c = s.accepted([
    { kind: "mss", value: 1460 },
    { kind: "sack-permitted" },
    { kind: "nop" },
    { kind: "window-scale", shift: 7 },
  ]);
  s.write(c, 10_000);
  s.hear();
  const error = {
    family: 4 as const,
    type: 3,
    code: 4,
    info: 1000,
    source: c.localAddress,
    destination: c.remoteAddress,
    sourcePort: 80,
    destinationPort: 4000,
  };
  s.do((endpoint, now) => endpoint.handleIcmp({ ...error, sequence: (s.iss + 500_000) >>> 0 }, now));
  expect(s.endpoint.extMib.OutOfWindowIcmps).toBe(1);
  s.do((endpoint, now) => endpoint.handleIcmp({ ...error, sequence: (s.iss + 1) >>> 0 }, now));
  expect(c.pmtuCookie).toBe(1000);
  expect(s.hear().every((h) => h.length <= 960)).toBe(true);
  s.finish();
});

test("RFC 7413 §4.1.2: a server gives a cookie, and takes data with it before the handshake is done", () => {
  const s = new Script({ tcp_fastopen: 3 });
  const listener = s.listen({ fastOpen: 5 });
  s.say({ flags: "S", win: 65_535, options: [...SYN_OPTIONS, { kind: "fast-open", cookie: new Uint8Array(0) }] });
  const [synAck] = s.hear();
  const cookie = synAck?.options.find((option) => option.kind === "fast-open");
  if (cookie?.kind !== "fast-open") throw new Error("no cookie came");
  s.say({ flags: "R", seq: 1 });
  s.say({ flags: "S", win: 65_535, data: 100, options: [...SYN_OPTIONS, cookie] });
  expect(s.hear()[0]?.ack).toBe(101);
  const c = s.endpoint.accept(listener, s.now);
  if (c === undefined) throw new Error("no connection");
  expect(c.state).toBe("SYN_RECV");
  expect(s.read(c)).toBe(100);
  s.write(c, 500);
  expect(s.hear().map((h) => h.length)).toEqual([500]);
  s.say({ seq: 101, ack: 501 });
  expect(c.state).toBe("ESTABLISHED");
  s.finish();
});

test("super-segments go as one packet with gsoSize, and the device is left the checksum", () => {
  const s = new Script({}, { gsoMaxSize: 65_000, checksumOffload: true });
  const c = s.accepted();
  s.write(c, 20_000);
  const heard = s.hear();
  expect(heard.length).toBeLessThan(10);
  expect(heard[0]?.gsoSize).toBe(1000);
  expect(heard.every((h) => h.ipSummed === 3)).toBe(true);
  expect(c.packetsOut).toBe(10);
  s.finish();
});

test("SO_MAX_PACING_RATE spreads segments over time", () => {
  const s = new Script();
  const c = s.accepted();
  s.do((endpoint, now) => endpoint.setOptions(c, { maxPacingRate: 1_000_000, sndbuf: 200_000 }, now));
  s.write(c, 100_000);
  const start = s.now;
  for (let i = 0; i < 60; i++) {
    s.wait(1);
    s.say({ seq: 1, ack: 1 + ((c.sndNxt - c.sndUna) | 0) + (((c.sndUna - s.iss) | 0) - 1) });
  }
  const bytes = ((c.sndNxt - s.iss) | 0) - 1;
  expect(bytes).toBeLessThan(((s.now - start) / 1e9) * 1_000_000 + 20_000);
  s.finish();
});

test("a closed receive window opens again when the user reads, and says so", () => {
  const s = new Script();
  const c = s.accepted(SYN_OPTIONS, 1000, { options: { rcvbuf: 8192 } });
  for (let seq = 1; seq < 8000; seq += 1000) s.say({ seq, ack: 1, data: 1000 });
  const closed = s.hear().at(-1);
  expect(closed?.win).toBe(0);
  const read = s.read(c);
  expect(read).toBeGreaterThan(3000);
  expect(s.hear().at(-1)?.win).toBeGreaterThan(0);
  s.finish();
});
