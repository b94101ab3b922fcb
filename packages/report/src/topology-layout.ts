import type { Topology } from "@seville/scenario";

/** Where a node stands: columns from left to right, rows within a column. Units of the drawing. */
export interface Position {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Position>;
}

const COLUMN_WIDTH = 240;
const ROW_HEIGHT = 140;
const MARGIN_X = 80;
/** Above a row stand labels of three lines, below it names. */
const MARGIN_TOP = 72;
const MARGIN_BOTTOM = 64;
const GAP_BETWEEN_PARTS = 40;

/**
 * Lays a network out in columns by distance from one of its far ends, each column ordered by where its neighbours stand, so that a
 * path is a line and a tree a tree. The parts of a network that is not connected stand one below the other.
 */
export function layOut(topology: Topology, columnWidth: number = COLUMN_WIDTH): Layout {
  const neighbours = adjacency(topology);
  const nodes = new Map<string, Position>();
  let top = 0;
  let columnsAtMost = 1;
  for (const part of components(neighbours)) {
    const columns = orderColumns(columnsFrom(farEnd(part, neighbours), neighbours), neighbours);
    const rows = Math.max(...columns.map((column) => column.length));
    for (const [i, column] of columns.entries()) {
      for (const [j, name] of column.entries()) {
        const offset = (rows - column.length) / 2;
        nodes.set(name, { x: MARGIN_X + i * columnWidth, y: top + MARGIN_TOP + (j + offset) * ROW_HEIGHT });
      }
    }
    top += (rows - 1) * ROW_HEIGHT + MARGIN_TOP + MARGIN_BOTTOM + GAP_BETWEEN_PARTS;
    columnsAtMost = Math.max(columnsAtMost, columns.length);
  }
  const height = Math.max(MARGIN_TOP + MARGIN_BOTTOM, top - GAP_BETWEEN_PARTS);
  return { width: 2 * MARGIN_X + (columnsAtMost - 1) * columnWidth, height, nodes };
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

function adjacency({ nodes, links }: Topology): Neighbours {
  const result = new Map<string, string[]>(nodes.map(({ name }) => [name, []]));
  for (const { ends } of links) {
    const [a, b] = [nodeOf(ends[0]), nodeOf(ends[1])];
    if (a === b) continue;
    result.get(a)?.push(b);
    result.get(b)?.push(a);
  }
  return result;
}

/** The host of `host:interface`; an attachment is its own. */
export function nodeOf(endpoint: string): string {
  const colon = endpoint.indexOf(":");
  return colon < 0 ? endpoint : endpoint.slice(0, colon);
}

function components(neighbours: Neighbours): string[][] {
  const seen = new Set<string>();
  const parts: string[][] = [];
  for (const name of neighbours.keys()) {
    if (seen.has(name)) continue;
    const part = columnsFrom(name, neighbours).flat();
    for (const member of part) seen.add(member);
    parts.push(part);
  }
  return parts;
}

/** Breadth first: all at distance 0, at distance 1, … */
function columnsFrom(start: string, neighbours: Neighbours): string[][] {
  const seen = new Set([start]);
  const columns: string[][] = [];
  let column = [start];
  while (column.length > 0) {
    columns.push(column);
    const next: string[] = [];
    for (const name of column) {
      for (const other of neighbours.get(name) ?? []) {
        if (seen.has(other)) continue;
        seen.add(other);
        next.push(other);
      }
    }
    column = next;
  }
  return columns;
}

/** A node at the end of a longest shortest path, the first named of them if there are two. */
function farEnd(part: readonly string[], neighbours: Neighbours): string {
  const [first = ""] = part;
  const far = columnsFrom(first, neighbours).at(-1)?.[0] ?? first;
  const other = columnsFrom(far, neighbours).at(-1)?.[0] ?? far;
  return part.indexOf(other) < part.indexOf(far) ? other : far;
}

/** Sweeps to and fro, putting each node at the mean row of its neighbours in the column before. */
function orderColumns(columns: string[][], neighbours: Neighbours): string[][] {
  const ordered = columns.map((column) => [...column]);
  for (let sweep = 0; sweep < 4; sweep++) {
    const order = ordered.map((_, i) => (sweep % 2 === 0 ? i : ordered.length - 1 - i));
    for (const [step, i] of order.entries()) {
      if (step === 0) continue;
      sortByNeighbours(ordered[i] ?? [], ordered[order[step - 1] ?? 0] ?? [], neighbours);
    }
  }
  return ordered;
}

function sortByNeighbours(column: string[], before: readonly string[], neighbours: Neighbours): void {
  const middle = (name: string): number => {
    const rows = (neighbours.get(name) ?? []).map((other) => before.indexOf(other)).filter((row) => row >= 0);
    return rows.length === 0 ? column.indexOf(name) : rows.reduce((sum, row) => sum + row, 0) / rows.length;
  };
  const keys = new Map(column.map((name) => [name, middle(name)]));
  column.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
}
