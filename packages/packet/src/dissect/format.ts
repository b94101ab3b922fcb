import { MALFORMED, type FieldNode } from "./tree.ts";

/** Bytes of a field that are shown. */
const MAX_BYTES_SHOWN = 32;

/**
 * The tree as text, a line a field and two spaces a level, like `tshark -V`:
 *
 * ```text
 * Internet Protocol Version 4
 *   Version: 4
 *   Time to Live: 64
 * ```
 */
export function formatTree(tree: FieldNode): string {
  const lines: string[] = [];
  for (const child of tree.children) formatNode(child, 0, lines);
  return lines.join("\n");
}

function formatNode(node: FieldNode, depth: number, lines: string[]): void {
  lines.push("  ".repeat(depth) + formatField(node));
  for (const child of node.children) formatNode(child, depth + 1, lines);
}

/** One node as a line, without its children. */
export function formatField(node: FieldNode): string {
  if (node.abbreviation === MALFORMED) return `[${node.name}: ${String(node.value)}]`;
  const { value } = node;
  const text = node.display ?? (value instanceof Uint8Array ? formatBytes(value) : value?.toString());
  const line = text === undefined ? node.name : `${node.name}: ${text}`;
  // What is not in the bytes stands in brackets, as in Wireshark.
  return node.length === 0 && value !== undefined ? `[${line}]` : line;
}

function formatBytes(bytes: Uint8Array): string {
  const hex = [...bytes.subarray(0, MAX_BYTES_SHOWN)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytes.length > MAX_BYTES_SHOWN ? `${hex}… (${bytes.length} bytes)` : hex;
}
