import { seconds } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openUdp } from "../src/index.ts";
import { dropsOf, icmpv6Message, inject, ipv4Packet, ipv6Packet, sniff, udpDatagram } from "./support/packets.ts";
import { pair } from "./support/world.ts";

/** A piece of a datagram's payload. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly last: boolean;
}

function setup(family: 4 | 6) {
  const { world, a, b } = pair();
  const socket = openUdp(b, { family });
  socket.bind({ port: 5000 });
  socket.set("SO_RCVBUF", 200_000);
  const eth = b.interfaces.named("eth0");
  const payload = (size: number): Uint8Array =>
    udpDatagram(
      1,
      5000,
      Uint8Array.from({ length: size }, (_, i) => (i * 7) & 255),
      family === 4 ? undefined : { source: "2001:db8::1", destination: "2001:db8::2" },
    );
  const give = (whole: Uint8Array, piece: Piece, identification = 1, tos = 0): void => {
    const part = whole.subarray(piece.start, piece.end);
    inject(
      b,
      eth,
      family === 4
        ? ipv4Packet({ identification, tos, fragmentOffset: piece.start, moreFragments: !piece.last, payload: part })
        : ipv6Packet({ nextHeader: 44, trafficClass: tos, payload: fragment6(part, piece, identification) }),
    );
  };
  return { world, a, b, socket, eth, payload, give, drops: dropsOf(b) };
}

function fragment6(part: Uint8Array, piece: Piece, identification: number): Uint8Array {
  const out = new Uint8Array(8 + part.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, 17);
  view.setUint16(2, piece.start | (piece.last ? 0 : 1));
  view.setUint32(4, identification);
  out.set(part, 8);
  return out;
}

/** A plain cut into pieces of at most `size` bytes. */
function cut(total: number, size: number): Piece[] {
  const pieces: Piece[] = [];
  for (let start = 0; start < total; start += size) {
    const end = Math.min(total, start + size);
    pieces.push({ start, end, last: end === total });
  }
  return pieces;
}

describe.each([4, 6] as const)("IPv%i", (family) => {
  const rfc = family === 4 ? "RFC 791 §3.2" : "RFC 8200 §4.5";

  test(`H20 ${rfc}: property: whatever the order and the duplicates, the datagram is put together, once`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 60 }).map((n) => n * 8),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.integer(),
        (size, step, repeats, seed) => {
          const { socket, payload, give, b } = setup(family);
          const whole = payload(size);
          const minimum = family === 4 ? step : Math.max(step, 8);
          const pieces = cut(whole.length, minimum);
          fc.pre(pieces.length > 1);
          const order = shuffled(pieces, seed);
          // Only what has come and does not complete the datagram can come again: afterwards it begins a new one.
          const sent: Piece[] = [];
          for (const piece of order) {
            give(whole, piece);
            sent.push(piece);
            for (const n of repeats) if (sent.length < order.length) give(whole, sent[n % sent.length]!);
          }
          const datagram = socket.recv();
          expect(datagram?.data).toEqual(whole.subarray(8));
          expect(socket.recv()).toBeUndefined();
          expect(family === 4 ? b.ipv4.reassembly.size : b.ipv6.reassembly.size).toBe(0);
          expect(family === 4 ? b.ipv4.reassembly.memory : b.ipv6.reassembly.memory).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  test(`H21 RFC 5722 §4 (and Linux for IPv4): property: pieces that overlap spoil the datagram, and a naive oracle says the same`, () => {
    const piece = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 6 }));
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 10 }), (spans) => {
        const { socket, payload, give } = setup(family);
        const whole = payload(8 * 16 - 8);
        const pieces = spans
          .map(([start, length]) => ({ start: 8 * start, end: Math.min(8 * (start + length), whole.length) }))
          .map((p) => ({ ...p, last: p.end === whole.length }));
        for (const p of pieces) give(whole, p);
        let received = 0;
        while (socket.recv() !== undefined) received++;
        expect(received).toBe(oracle(pieces, whole.length));
      }),
      { numRuns: 80 },
    );
  });

  test(`H22 ${rfc}: a datagram that is not complete in time is given up, and its source is told if the first fragment came`, () => {
    for (const firstCame of [true, false]) {
      const { world, b, payload, give, drops, eth } = setup(family);
      const sent = sniff(b, eth);
      const pieces = cut(payload(100).length, 48);
      give(payload(100), pieces[firstCame ? 0 : 1]!);
      const timeout = family === 4 ? 30 : 60;
      world.run(seconds(timeout - 1));
      expect(drops).toEqual([]);
      world.run(seconds(2));
      expect(drops).toEqual(["FRAG_REASM_TIMEOUT"]);
      const mib = family === 4 ? b.mib.ip : b.mib.ip6;
      expect(mib).toMatchObject({ ReasmTimeout: 1, ReasmFails: 1, ReasmOKs: 0 });
      const errors = sent.map((p) => (family === 4 ? [p[20], p[21]] : [p[40], p[41]]));
      expect(errors).toEqual(firstCame ? [family === 4 ? [11, 1] : [3, 1]] : []);
    }
  });

  test("H23 fragments hold no more memory than the threshold allows (ipfrag_high_thresh)", () => {
    const { b, payload, give, drops } = setup(family);
    const name = family === 4 ? "net.ipv4.ipfrag_high_thresh" : "net.ipv6.ip6frag_high_thresh";
    b.sysctls.set(name, 20_000);
    for (let id = 1; id <= 50; id++) give(payload(100), cut(108, 48)[0]!, id);
    expect(drops.length).toBeGreaterThan(30);
    expect(new Set(drops)).toEqual(new Set(["FRAG_LIMIT"]));
    expect(family === 4 ? b.ipv4.reassembly.memory : b.ipv6.reassembly.memory).toBeLessThan(30_000);
  });

  test("H24 RFC 3168 §5.3: one fragment with CE marks the datagram; CE beside Not-ECT cannot be", () => {
    const { socket, payload, give, drops } = setup(family);
    const pieces = cut(108, 48);
    for (const [i, piece] of pieces.entries()) give(payload(100), piece, 1, i === 1 ? 3 : 2);
    expect(socket.recv()?.tos).toBe(3);
    for (const [i, piece] of pieces.entries()) give(payload(100), piece, 2, i === 1 ? 3 : 0);
    expect(socket.recv()).toBeUndefined();
    expect(drops).toHaveLength(pieces.length);
  });

  test("H25 a length that contradicts the last fragment spoils the datagram", () => {
    const { socket, payload, give, drops } = setup(family);
    const whole = payload(200);
    give(whole, { start: 96, end: 144, last: true });
    give(whole, { start: 144, end: 192, last: false });
    expect(drops).toEqual(["NOT_SPECIFIED", "NOT_SPECIFIED"]);
    give(whole, { start: 0, end: 96, last: false });
    expect(socket.recv()).toBeUndefined();
  });
});

test("H26 IPv4: so many fragments of others in between that the identification may have wrapped (ipfrag_max_dist)", () => {
  const { socket, payload, give, drops, b } = setup(4);
  b.sysctls.set("net.ipv4.ipfrag_max_dist", 4);
  const pieces = cut(108, 64);
  give(payload(100), pieces[0]!, 1);
  for (let id = 2; id < 8; id++) give(payload(100), pieces[0]!, id);
  give(payload(100), pieces[1]!, 1);
  expect(socket.recv()).toBeUndefined();
  expect(drops).toEqual(["FRAG_TOO_FAR"]);
});

test("H27 IPv4: datagrams that differ in protocol, addresses or identification do not mix", () => {
  const { socket, payload, give, b, eth } = setup(4);
  const whole = payload(100);
  const [first, second] = cut(108, 64);
  give(whole, first!, 1);
  inject(
    b,
    eth,
    ipv4Packet({
      identification: 1,
      protocol: 6,
      fragmentOffset: second!.start,
      payload: whole.subarray(second!.start),
    }),
  );
  inject(
    b,
    eth,
    ipv4Packet({
      identification: 1,
      source: "10.0.0.9",
      fragmentOffset: second!.start,
      payload: whole.subarray(second!.start),
    }),
  );
  give(whole, second!, 2);
  expect(socket.recv()).toBeUndefined();
  give(whole, second!, 1);
  expect(socket.recv()).toBeDefined();
});

test("H28 RFC 6946: an atomic fragment is a whole packet, whatever else has its identification", () => {
  const { socket, payload, give } = setup(6);
  give(payload(100), { start: 0, end: 48, last: false }, 7);
  give(payload(20), { start: 0, end: 28, last: true }, 7);
  expect(socket.recv()?.data).toHaveLength(20);
});

test("H29 RFC 8200 §4.5: malformed fragments are answered with a parameter problem", () => {
  const cases: [Piece, number][] = [
    [{ start: 0, end: 41, last: false }, 4],
    [{ start: 65_528, end: 65_528 + 16, last: true }, 42],
  ];
  for (const [piece, pointer] of cases) {
    const { world, b, eth } = setup(6);
    const sent = sniff(b, eth);
    inject(
      b,
      eth,
      ipv6Packet({ nextHeader: 44, payload: fragment6(new Uint8Array(piece.end - piece.start), piece, 1) }),
    );
    world.runMs(10);
    expect(sent.map((p) => [p[40], p[41], new DataView(p.buffer).getUint32(44)])).toEqual([[4, 0, pointer]]);
  }
});

test("H29 RFC 8200 §4.5 (RFC 7112): a first fragment without the whole header chain is refused", () => {
  const { world, b, eth } = setup(6);
  const sent = sniff(b, eth);
  const options = Uint8Array.from([44, 0, 1, 4, 0, 0, 0, 0]);
  const chainTooLong = Uint8Array.from([60, 0, 0, 1, 0, 0, 0, 1, 17, 1, 1, 4, 0, 0, 0, 0]);
  inject(b, eth, ipv6Packet({ nextHeader: 60, payload: Uint8Array.from([...options, ...chainTooLong]) }));
  world.runMs(10);
  expect(sent.map((p) => [p[40], p[41]])).toEqual([[4, 3]]);
  expect(b.mib.ip6.InHdrErrors).toBe(1);
});

test("H28 a fragment of an ICMPv6 error brings no error", () => {
  const { world, b, eth } = setup(6);
  const sent = sniff(b, eth);
  const message = icmpv6Message(1, 4, new Uint8Array(60));
  inject(b, eth, ipv6Packet({ nextHeader: 44, payload: Uint8Array.from([58, 0, 0, 1, 0, 0, 0, 1, ...message]) }));
  world.run(seconds(61));
  expect(sent).toEqual([]);
  expect(b.mib.ip6.ReasmTimeout).toBe(1);
});

test("H2A RFC 6980 §5: neighbour discovery in fragments is dropped, whole or not, unless suppress_frag_ndisc is off", () => {
  const { b, eth, drops } = setup(6);
  const target = [0x20, 1, 0x0d, 0xb8, ...new Array<number>(11).fill(0), 2];
  const message = icmpv6Message(135, 0, Uint8Array.from([0, 0, 0, 0, ...target]));
  const atomic = ipv6Packet({
    nextHeader: 44,
    hopLimit: 255,
    payload: Uint8Array.from([58, 0, 0, 0, 0, 0, 0, 1, ...message]),
  });
  inject(b, eth, atomic);
  expect(drops).toEqual(["IPV6_NDISC_FRAG"]);
  b.sysctls.set("net.ipv6.conf.all.suppress_frag_ndisc", 0);
  b.sysctls.set("net.ipv6.conf.eth0.suppress_frag_ndisc", 0);
  inject(b, eth, atomic);
  expect(drops).toEqual(["IPV6_NDISC_FRAG"]);
});

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  let state = seed | 1;
  for (let i = out.length - 1; i > 0; i--) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    const j = (state >>> 8) % (i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/**
 * How many datagrams come out, by a table of single bytes: a piece within one contiguous run of what is there is a
 * duplicate; one that overlaps otherwise empties the table; so does one that contradicts the end.
 */
function oracle(pieces: readonly Piece[], total: number): number {
  let there = new Set<number>();
  let end = 0;
  let lastSeen = false;
  let complete = 0;
  const reset = (): void => {
    there = new Set();
    end = 0;
    lastSeen = false;
  };
  for (const { start, end: to, last } of pieces) {
    if (last ? to < end || (lastSeen && to !== end) : to > end && lastSeen) {
      reset();
      continue;
    }
    end = Math.max(end, to);
    if (last) lastSeen = true;
    const bytes = Array.from({ length: to - start }, (_, i) => start + i);
    const known = bytes.filter((byte) => there.has(byte)).length;
    if (known === bytes.length) continue;
    if (known > 0) {
      reset();
      continue;
    }
    for (const byte of bytes) there.add(byte);
    if (lastSeen && there.size === end && end === total) {
      complete++;
      reset();
    }
  }
  return complete;
}
