import { dissect, MALFORMED, walk } from "@seville/packet";
import { beforeAll, describe, expect, test } from "vitest";
import { disagreements } from "../../packet/test/agreement.ts";
import { tshark, tsharkFieldNames, type TsharkPacket } from "../../packet/test/tshark.ts";
import { missing, testWith } from "../../../tools/testing/needs.ts";
import { fouDissector, TUNNEL_DISSECTORS } from "../src/index.ts";
import { mergeTables } from "@seville/packet";
import { drainedPool } from "./support/packets.ts";
import { RECORDINGS } from "./support/recordings.ts";
import { frameOf, innerFor, SAMPLE_TUNNELS, wrap } from "./support/samples.ts";

/*
 * tshark on everything that we compose, checksums on; and our dissectors on that and on the kernel's recordings: every field
 * has tshark's name, place, size and value.
 */

const pool = drainedPool();
const composed = Object.entries(SAMPLE_TUNNELS).map(
  ([name, tunnel]) => [`composed: ${name}`, frameOf(wrap(pool, tunnel, innerFor(tunnel)).outer)] as const,
);
const recorded = Object.entries(RECORDINGS).map(([name, { outer }]) => [`kernel: ${name}`, outer[0]!] as const);
const FRAMES = new Map<string, Uint8Array<ArrayBuffer>>([...composed, ...recorded]);

/** tshark has no dissector for GUE, and is not told of FOU's port. */
const isUnknownToTshark = (name: string): boolean => /gue|fou/.test(name);
/** A UDP checksum of 0 over IPv6, which RFC 6935 allows tunnels, is "illegal" to tshark. */
const isZeroOverIpv6 = (name: string): boolean => name.includes("vxlan6-zero");
/** The kernel leaves these inner checksums to the receiver (remote checksum offload). */
const isUnfinished = (name: string): boolean => /rco/.test(name);

describe("T1-T5 against tshark", () => {
  const packets = new Map<string, TsharkPacket>();

  beforeAll(() => {
    if (missing("tshark") !== undefined) return;
    const seen = tshark([...FRAMES.values()]);
    [...FRAMES.keys()].forEach((name, i) => packets.set(name, seen[i]!));
  }, 60_000);

  for (const [name, frame] of FRAMES) {
    if (!isUnfinished(name) && !isZeroOverIpv6(name)) {
      testWith(["tshark"], `T1-T5 tshark finds nothing wrong with ${name}`, () => {
        expect(packets.get(name)!.complaints).toEqual([]);
      });
    }
    if (isUnknownToTshark(name) || isZeroOverIpv6(name)) continue;
    testWith(["tshark"], `T1-T5 every field has tshark's name, place and value: ${name}`, () => {
      const tree = dissect(frame, { dissectors: TUNNEL_DISSECTORS });
      const { unmatched, compared } = disagreements(tree, packets.get(name)!.fields);
      expect(unmatched).toEqual([]);
      expect(compared).toBeGreaterThan(20);
    });
  }

  testWith(["tshark"], "every abbreviation is one of Wireshark's, but those of GUE", () => {
    const known = tsharkFieldNames();
    const used = new Set<string>();
    for (const [name, frame] of FRAMES) {
      if (isUnknownToTshark(name)) continue;
      for (const node of walk(dissect(frame, { dissectors: TUNNEL_DISSECTORS }))) used.add(node.abbreviation);
    }
    used.delete("");
    expect(used.size).toBeGreaterThan(100);
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
  });
});

test("T4 FOU and GUE are dissected to the inner packet", () => {
  const tables = mergeTables(TUNNEL_DISSECTORS, fouDissector(5555, 4), {
    udpPort: { 5556: TUNNEL_DISSECTORS.udpPort![6080]! },
  });
  for (const name of ["kernel: fou-ipip", "kernel: gue-ipip", "kernel: gue-gre", "kernel: gue-rco"]) {
    const nodes = [...walk(dissect(FRAMES.get(name)!, { dissectors: tables }))];
    expect(nodes.map((node) => node.abbreviation)).not.toContain(MALFORMED);
    expect(nodes.filter((node) => node.abbreviation === "ip").length).toBeGreaterThan(1);
  }
});
