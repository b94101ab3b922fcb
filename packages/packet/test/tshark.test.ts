import { beforeAll, describe, expect } from "vitest";
import { missing, testWith } from "../../../tools/testing/needs.ts";
import { dissect, MALFORMED, walk } from "../src/index.ts";
import { disagreements } from "./agreement.ts";
import { CORPUS } from "./corpus.ts";
import { tshark, tsharkFieldNames, type TsharkPacket } from "./tshark.ts";

const NAMES = Object.keys(CORPUS);

/** What is not as tshark would like it, on purpose. */
const EXPECTED_COMPLAINTS: Readonly<Record<string, RegExp>> = { "tcp rst": /Connection reset/ };

describe("compose and dissect against tshark", () => {
  let packets = new Map<string, TsharkPacket>();

  beforeAll(() => {
    if (missing("tshark") !== undefined) return;
    const seen = tshark(Object.values(CORPUS));
    packets = new Map(NAMES.map((name, i) => [name, seen[i]!]));
  }, 60_000);

  for (const name of NAMES) {
    testWith(["tshark"], `P30 tshark finds nothing wrong with: ${name}`, () => {
      const complaints = packets.get(name)!.complaints;
      const expected = EXPECTED_COMPLAINTS[name];
      expect(complaints.filter((complaint) => expected?.test(complaint) !== true)).toEqual([]);
    });

    testWith(["tshark"], `P40 every field has tshark's name, place and value: ${name}`, () => {
      const { unmatched, compared } = disagreements(dissect(CORPUS[name]!), packets.get(name)!.fields);
      expect(unmatched).toEqual([]);
      expect(compared).toBeGreaterThan(3);
    });
  }

  testWith(["tshark"], "P40 every abbreviation is one of Wireshark's", () => {
    const known = tsharkFieldNames();
    const used = new Set(NAMES.flatMap((name) => [...walk(dissect(CORPUS[name]!))].map((node) => node.abbreviation)));
    used.delete("");
    expect(used.size).toBeGreaterThan(200);
    expect([...used].filter((abbreviation) => !known.has(abbreviation))).toEqual([]);
  });

  testWith(["tshark"], "P41 no frame of the corpus is malformed to us", () => {
    const malformed = NAMES.filter((name) =>
      [...walk(dissect(CORPUS[name]!))].some((n) => n.abbreviation === MALFORMED),
    );
    expect(malformed).toEqual([]);
  });
});
