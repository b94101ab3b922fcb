// Writes the fold of crc32c.ts from its tap set. "The fold" in packages/checksum/docs/kernels.md explains what it does.
import { readFileSync } from "node:fs";

const { lags } = JSON.parse(readFileSync(new URL("./crc32c-taps.json", import.meta.url), "utf8"));

/** Vectors of 16 bytes that reach back to the largest lag. */
const HISTORY = Math.ceil(Math.max(...lags) / 16);
const BYTES = 16 * HISTORY;

export default function generate() {
  const slots = [...Array(HISTORY).keys()];
  return `
import { tableCrc } from "./lib/table";

/** Fewer bytes than this cannot be folded. */
export const FOLD_MINIMUM: usize = ${BYTES};

/** CRC32c of at least FOLD_MINIMUM bytes. \`work\`: ${BYTES} bytes. */
export function foldedCrc(tables: usize, work: usize, at: usize, length: usize, crc: u32): u32 {
  const end = at + length;
  const stop = at + ((length - ${BYTES}) & ~15);
  const zero = i64x2.splat(0);
  // The CRC so far acts on the first four bytes.
  let seed = i32x4.replace_lane(zero, 0, crc);
${slots.map((i) => `  let h${i} = zero;`).join("\n")}
  for (; at + ${BYTES} <= stop; at += ${BYTES}) {
${slots.map((k) => `    h${k} = ${folded(message(k), (back) => `h${(k - back + HISTORY) % HISTORY}`)};`).join("\n")}
    seed = zero;
  }
  for (; at < stop; at += 16) {
    const next = ${folded(message(0), (back) => `h${HISTORY - back}`)};
${slots.map((i) => `    h${i} = ${i + 1 < HISTORY ? `h${i + 1}` : "next"};`).join("\n")}
    seed = zero;
  }
  // What the folded bytes leave behind reaches ${BYTES} bytes further.
${slots.map((k) => `  v128.store(work, ${folded(message(k), (back) => (back <= k ? undefined : `h${HISTORY - back + k}`))}, ${16 * k});`).join("\n")}
  crc = tableCrc(tables, work, ${BYTES}, 0);
  return tableCrc(tables, at + ${BYTES}, end - at - ${BYTES}, crc);
}
`;
}

function message(vector) {
  return vector === 0 ? "v128.xor(v128.load(at), seed)" : `v128.load(at, ${16 * vector})`;
}

/** A vector with those at each lag before it added; `vectorAt(back)` names a vector, undefined where it is zero. */
function folded(start, vectorAt) {
  return lags
    .toSorted((a, b) => b - a)
    .map((lag) => window(lag, vectorAt))
    .filter((term) => term !== undefined)
    .reduce((sum, term) => `v128.xor(${sum}, ${term})`, start);
}

/** The 16 bytes that begin `lag` bytes back: one vector, or parts of two. */
function window(lag, vectorAt) {
  const older = vectorAt(Math.ceil(lag / 16));
  const skip = (16 - (lag % 16)) % 16;
  if (skip === 0) return older;
  const newer = vectorAt(Math.floor(lag / 16));
  if (older === undefined && newer === undefined) return undefined;
  const lanes = Array.from({ length: 16 }, (_, i) => skip + i);
  return `i8x16.shuffle(${older ?? "zero"}, ${newer ?? "zero"}, ${lanes.join(", ")})`;
}
