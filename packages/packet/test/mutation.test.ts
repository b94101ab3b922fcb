import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  arp,
  compose,
  dissect,
  ethernet,
  findField,
  formatTree,
  icmp,
  icmpv6,
  igmp,
  ipv4,
  ipv6,
  LINK_RAW,
  MALFORMED,
  mld,
  nd,
  parseIpv4,
  parseIpv6,
  summarize,
  tcp,
  udp,
  vlan,
  walk,
  type FieldNode,
} from "../src/index.ts";
import { CORPUS } from "./corpus.ts";

const FRAMES = Object.entries(CORPUS);

/** A small generator (xorshift32), so that the corpus of bad frames is the same everywhere. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Every bad frame made of `frame`: cut at each length, with flipped bits, and with lengths that lie. */
function* mutants(frame: Uint8Array, seed: number): Generator<Uint8Array> {
  for (let length = 0; length < frame.length; length++) yield frame.slice(0, length);
  const random = seeded(seed);
  for (let i = 0; i < 120; i++) {
    const mutant = frame.slice();
    const flips = 1 + random(4);
    for (let j = 0; j < flips; j++) mutant[random(mutant.length)]! ^= 1 << random(8);
    yield mutant;
  }
  for (let i = 12; i < frame.length; i++) {
    for (const lie of [0, 1, 0x7f, 0xff]) {
      const mutant = frame.slice();
      mutant[i] = lie;
      yield mutant;
    }
  }
}

/** What must hold for any tree: every node lies in the bytes, and text and line can be made of it. */
function expectSound(bytes: Uint8Array, tree: FieldNode): void {
  let nodes = 0;
  for (const node of walk(tree)) {
    nodes++;
    if (node.offset < 0 || node.length < 0 || node.offset + node.length > bytes.length) {
      throw new Error(`${node.abbreviation} at ${node.offset}+${node.length} is outside ${bytes.length} bytes`);
    }
  }
  // The limit, its error node, and the root.
  if (nodes > 4096 + 2) throw new Error(`${nodes} nodes`);
}

const CODECS = { arp, ethernet, icmp, icmpv6, igmp, ipv4, ipv6, mld, nd, tcp, udp, vlan };

describe("bytes from the wire", () => {
  test.each(FRAMES)("P42 %s: no mutant makes dissect, formatTree or summarize throw or leave the bytes", (_, frame) => {
    for (const mutant of mutants(frame, 0x2f6e2b1)) {
      const tree = dissect(mutant);
      expectSound(mutant, tree);
      formatTree(tree);
      summarize(mutant);
      expectSound(mutant, dissect(mutant, { linkType: LINK_RAW }));
      summarize(mutant, LINK_RAW);
    }
  });

  test.each(FRAMES)("P43 %s: a cut inside its headers gives an error node", (_, frame) => {
    const whole = dissect(frame);
    const data = findField(whole, "data.data");
    const padding = findField(whole, "eth.padding");
    const end = Math.min(data?.offset ?? frame.length, padding?.offset ?? frame.length);
    for (let length = 0; length < end; length++) {
      const cut = dissect(frame.slice(0, length));
      // Exactly between two headers of unknown length nothing is missing: Ethernet alone is a frame.
      const isComplete = [...walk(cut)].every((node) => node.abbreviation !== MALFORMED);
      if (isComplete) expect([14, 18, 22], `cut at ${length}`).toContain(length);
    }
  });

  test.each(Object.entries(CODECS))("P21 %s.check and parse answer for any bytes, and agree", (_, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 96 }), fc.nat(8), (bytes, at) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const fault = codec.check(view, Math.min(at, bytes.length), bytes.length);
        if ("parse" in codec) {
          const parsed = codec.parse(view, Math.min(at, bytes.length), bytes.length);
          expect(parsed === undefined).toBe(fault !== undefined);
        }
        if (fault === undefined) expect(typeof codec.print(view, Math.min(at, bytes.length))).toBe("string");
      }),
      { seed: 42, numRuns: 2000 },
    );
  });

  test("P44 the depth of headers is bounded", () => {
    const tags = Array.from({ length: 100 }, (_, i) => ({ vlan: { id: i } }));
    const frame = compose([
      { ethernet: { source: 2, destination: 4 } },
      ...tags,
      { vlan: { id: 1, etherType: 0x88b5 } },
    ]);
    const tree = dissect(frame);
    expect(findField(tree, MALFORMED)?.value).toBe("too-many");
    expect([...walk(tree)].filter((node) => /^(?:vlan|ieee8021ad)$/.test(node.abbreviation))).toHaveLength(31);
    expect(dissect(frame, { maxDepth: 1 }).children.map((node) => node.abbreviation)).toEqual(["eth", MALFORMED]);
    expect(summarize(frame)).toContain("[too-many headers]");
  });

  test("P44 the number of nodes is bounded", () => {
    const sources = Array.from({ length: 350 }, (_, i) => parseIpv4("10.0.0.0") + i);
    const query = {
      group: 0,
      maxResponseTime: 1,
      suppressRouterProcessing: false,
      robustness: 2,
      queryInterval: 1,
      sources,
    };
    const frame = compose([
      { ethernet: { source: 2, destination: 4 } },
      { ipv4: { source: 1, destination: 2 } },
      { igmp: { query } },
    ]);
    const tree = dissect(frame, { maxNodes: 100 });
    expect([...walk(tree)]).toHaveLength(102);
    expect([...walk(tree)].at(-1)).toMatchObject({ abbreviation: MALFORMED, value: "too-many" });
    expect([...walk(dissect(frame))].filter((node) => node.abbreviation === "igmp.saddr")).toHaveLength(350);
  });

  test("P24 RFC 8200 §4.1: a hop-by-hop header that is not first is bad-order", () => {
    const frame = compose([
      { ipv6: { source: parseIpv6("2001:db8::1"), destination: parseIpv6("2001:db8::2") } },
      { destinationOptions: { options: [] } },
      { hopByHop: { options: [] } },
      { udp: { sourcePort: 1, destinationPort: 2 } },
    ]);
    const view = new DataView(frame.buffer);
    const chain = ipv6.walkExtensions(view, 0, frame.length);
    expect(chain).toMatchObject({ fault: "bad-order", protocol: 0, at: 48, protocolAt: 40 });
    expect(findField(dissect(frame, { linkType: LINK_RAW }), MALFORMED)?.value).toBe("bad-order");
  });

  test("P24 a chain of more than 16 extension headers is too-many", () => {
    const headers = Array.from({ length: 17 }, () => ({ destinationOptions: { options: [] } }));
    const packet = compose([
      { ipv6: { source: parseIpv6("2001:db8::1"), destination: parseIpv6("2001:db8::2") } },
      ...headers,
    ]);
    const walkOf = (bytes: Uint8Array<ArrayBuffer>): ipv6.Ipv6Chain =>
      ipv6.walkExtensions(new DataView(bytes.buffer), 0, bytes.length);
    expect(walkOf(packet)).toMatchObject({ fault: "too-many", count: 16 });
    const allowed = compose([
      { ipv6: { source: parseIpv6("2001:db8::1"), destination: parseIpv6("2001:db8::2") } },
      ...headers.slice(1),
    ]);
    expect(walkOf(allowed)).toMatchObject({ fault: undefined, count: 16, protocol: 59 });
  });
});
