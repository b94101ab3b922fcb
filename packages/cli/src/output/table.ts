import Table from "cli-table3";
import { colours } from "./colours.ts";

/** Columns under a title, the first `left` of them aligned to the left; nothing if there are no rows. */
export function table(title: string, head: readonly string[], left: number, rows: readonly string[][]): string {
  if (rows.length === 0) return "";
  const made = new Table({
    head: head.map((text) => colours.dim(text)),
    colAligns: head.map((_, i) => (i < left ? "left" : "right")),
    chars: BARE,
    style: { "padding-left": 0, "padding-right": 2, head: [], border: [], compact: true },
  });
  made.push(...rows);
  const lines = made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
  return `${colours.bold(title)}\n${lines.join("\n")}`;
}

/** No lines: columns are enough. */
const BARE = Object.fromEntries(
  ["top", "bottom", "left", "right"]
    .flatMap((side) => ["", "-mid", "-left", "-right"].map((part) => `${side}${part}`))
    .concat("mid", "mid-mid", "middle")
    .map((name) => [name, ""]),
);
