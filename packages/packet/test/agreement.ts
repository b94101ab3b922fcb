import { walk, type FieldNode } from "../src/index.ts";
import type { TsharkField } from "./tshark.ts";

/** Headings that tshark gives no place in the frame. */
const PLACELESS = new Set(["frame", "data"]);

/** Every field of `tree` for which tshark has none of the same name, place, size and value; and how many were compared. */
export function disagreements(
  tree: FieldNode,
  fields: readonly TsharkField[],
): { unmatched: string[]; compared: number } {
  const left = [...fields];
  const unmatched: string[] = [];
  let compared = 0;
  for (const node of walk(tree)) {
    if (node.abbreviation === "" || PLACELESS.has(node.abbreviation)) continue;
    const i = left.findIndex((field) => agrees(node, field));
    if (i < 0) unmatched.push(describeNode(node, left));
    else left.splice(i, 1);
    compared++;
  }
  return { unmatched, compared };
}

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
