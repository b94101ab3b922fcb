import type { Table4 } from "./internet-table.ts";

/**
 * Writes a table as a MaxMind DB file (version 2.0), for the reader of the `maxmind` package: a binary tree, bit by bit of the
 * address, with 32-bit records; then the next hops as `uint32` data; then the metadata.
 */
export function writeMmdb(table: Table4): Buffer {
  const tree = new BitTree();
  // Shorter prefixes first: the longer ones split what they left.
  const order = Array.from({ length: table.size }, (_, i) => i).sort(
    (a, b) => (table.lengths[a] as number) - (table.lengths[b] as number),
  );
  for (const i of order) tree.set(table.networks[i] as number, table.lengths[i] as number, table.hops[i] as number);

  const hops = [...new Set(table.hops)];
  const offsets = new Map<number, number>();
  const data: Buffer[] = [];
  let size = 0;
  for (const one of hops) {
    const encoded = uint(6, one);
    offsets.set(one, size);
    data.push(encoded);
    size += encoded.length;
  }

  const count = tree.count;
  const nodes = Buffer.alloc(count * 8);
  for (let node = 0; node < count; node++) {
    for (let bit = 0; bit < 2; bit++) {
      const to = tree.child(node, bit);
      const record = to >= 0 ? to : to === NOTHING ? count : count + 16 + (offsets.get(-to - 2) as number);
      nodes.writeUInt32BE(record, node * 8 + bit * 4);
    }
  }
  const metadata = map([
    ["node_count", uint(6, count)],
    ["record_size", uint(5, 32)],
    ["ip_version", uint(5, 4)],
    ["database_type", text("bench")],
    ["languages", Buffer.from([0x00, 0x04])],
    ["binary_format_major_version", uint(5, 2)],
    ["binary_format_minor_version", uint(5, 0)],
    ["build_epoch", uint(9, 1)],
    ["description", map([["en", text("bench")]])],
  ]);
  return Buffer.concat([
    nodes,
    Buffer.alloc(16),
    ...data,
    Buffer.from("abcdef4d61784d696e642e636f6d", "hex"),
    metadata,
  ]);
}

const NOTHING = -1;

/** Children: a node number, {@link NOTHING}, or `-2 - hop`. */
class BitTree {
  #children = new Int32Array(2 << 22).fill(NOTHING);
  count = 1;

  child(node: number, bit: number): number {
    return this.#children[node * 2 + bit] as number;
  }

  set(network: number, length: number, hop: number): void {
    let node = 0;
    for (let i = 0; i < length - 1; i++) {
      const at = node * 2 + ((network >>> (31 - i)) & 1);
      const to = this.#children[at] as number;
      if (to >= 0) {
        node = to;
        continue;
      }
      // A leaf on the way is pushed down to both halves.
      node = this.count++;
      this.#children[at] = node;
      this.#children[node * 2] = to;
      this.#children[node * 2 + 1] = to;
    }
    this.#children[node * 2 + ((network >>> (32 - length)) & 1)] = -2 - hop;
  }
}

/** An unsigned number of data type `type`: 5 uint16, 6 uint32, 9 uint64. */
function uint(type: number, value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return Buffer.from(type > 7 ? [bytes.length, type - 7, ...bytes] : [(type << 5) | bytes.length, ...bytes]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([(2 << 5) | value.length]), Buffer.from(value)]);
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([
    Buffer.from([(7 << 5) | entries.length]),
    ...entries.flatMap(([key, value]) => [text(key), value]),
  ]);
}
