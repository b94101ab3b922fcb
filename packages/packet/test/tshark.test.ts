import { beforeAll, describe, expect } from "vitest";
import { missing, testWith } from "../../../tools/testing/needs.ts";
import { dissect, MALFORMED, walk, type FieldNode } from "../src/index.ts";
import { CORPUS } from "./corpus.ts";
import { tshark, tsharkFieldNames, type TsharkField, type TsharkPacket } from "./tshark.ts";

const NAMES = Object.keys(CORPUS);

/** What is not as tshark would like it, on purpose. */
const EXPECTED_COMPLAINTS: Readonly<Record<string, RegExp>> = { "tcp rst": /Connection reset/ };

/** Headings that tshark gives no place in the frame. */
const PLACELESS = new Set(["frame", "data"]);

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
      const left = [...packets.get(name)!.fields];
      const tree = dissect(CORPUS[name]!);
      const unmatched: string[] = [];
      let matched = 0;
      for (const node of walk(tree)) {
        if (node.abbreviation === "" || PLACELESS.has(node.abbreviation)) continue;
        const i = left.findIndex((field) => agrees(node, field));
        if (i < 0) unmatched.push(describeNode(node, left));
        else left.splice(i, 1);
        matched++;
      }
      expect(unmatched).toEqual([]);
      expect(matched).toBeGreaterThan(3);
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

function agrees(node: FieldNode, field: TsharkField): boolean {
  return (
    field.name === node.abbreviation &&
    field.at === node.offset &&
    (field.size === node.length || isSizeless(node)) &&
    (node.value === undefined || agreesInValue(node.value, field.show))
  );
}

/** What was worked out has no size of its own, and to the heading of a Pad1 this tshark gives that of all before it. */
function isSizeless(node: FieldNode): boolean {
  return node.length === 0 || node.name === "Pad1";
}

function agreesInValue(value: NonNullable<FieldNode["value"]>, show: string): boolean {
  if (typeof value === "number") return Number(show) === value;
  if (typeof value === "boolean") return show === (value ? "1" : "0");
  if (typeof value === "string") return show === value;
  // An empty show stands for a field of no type.
  const pairs = [...value].map((byte) => byte.toString(16).padStart(2, "0"));
  return show === pairs.join(":") || show === pairs.join("");
}

function describeNode(node: FieldNode, fields: readonly TsharkField[]): string {
  const alike = fields.filter((field) => field.name === node.abbreviation);
  const theirs = alike.map((field) => `${field.at}+${field.size}=${field.show}`).join(", ");
  return `${node.abbreviation} ${node.offset}+${node.length}=${String(node.value)}; tshark: ${theirs}`;
}
