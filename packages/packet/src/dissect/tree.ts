/** What a field holds. Addresses are text. */
export type FieldValue = number | boolean | string | Uint8Array;

/** A protocol, a field, or a part of a field. */
export interface FieldNode {
  /** As people read it: "Time to Live". */
  readonly name: string;
  /** Wireshark's name, as its filters use it: `ip.ttl`. `""` of a heading that has none there. */
  readonly abbreviation: string;
  /** `undefined` of a heading. */
  readonly value: FieldValue | undefined;
  /** The value as text, where that is more than the value itself: `0x0800 (IPv4)`. */
  readonly display: string | undefined;
  /** Where it begins in the bytes. */
  readonly offset: number;
  /** In bytes; 0: it is not in the bytes but was worked out from them. */
  readonly length: number;
  readonly children: readonly FieldNode[];
}

/** What {@link FieldNode.abbreviation} an error has; its value says what is wrong. */
export const MALFORMED = "_ws.malformed";

/** Every node, a parent before its children. */
export function* walk(node: FieldNode): Generator<FieldNode> {
  yield node;
  for (const child of node.children) yield* walk(child);
}

/** The first node of that abbreviation, or `undefined`. */
export function findField(tree: FieldNode, abbreviation: string): FieldNode | undefined {
  for (const node of walk(tree)) if (node.abbreviation === abbreviation) return node;
  return undefined;
}

/** The values of all nodes of that abbreviation, in order. */
export function fieldValues(tree: FieldNode, abbreviation: string): FieldValue[] {
  const values: FieldValue[] = [];
  for (const node of walk(tree)) {
    if (node.abbreviation === abbreviation && node.value !== undefined) values.push(node.value);
  }
  return values;
}
