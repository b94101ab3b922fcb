import type { TcpSpec } from "../language/tcp-line.ts";
import type { TcpOption } from "../language/tcp-options.ts";
import { encodeOptions } from "../wire/encode-options.ts";
import { formatOption } from "../wire/format.ts";
import type { ActualSegment } from "./actual.ts";

export interface OptionRules {
  /** Order, padding and timestamps do not matter. */
  readonly lenient: boolean;
  /** Microseconds per tick of TS values; 0: they are not compared. */
  readonly tsTickUsecs: number;
  /** How far a TS value may be off, microseconds. */
  readonly tsToleranceUsecs: number;
  readonly checkTsEcr: boolean;
}

/** How the options of a segment differ from what the script expects; `undefined`: not at all. */
export function compareOptions(expected: TcpSpec, actual: ActualSegment, rules: OptionRules): string | undefined {
  if (expected.options === undefined) return undefined;
  const [first] = expected.options;
  if (first?.kind === "raw") return rawDifference(first, actual);
  const wanted = rules.lenient ? essential(expected.options) : expected.options;
  const found = rules.lenient ? essential(actual.spec.options ?? []) : (actual.spec.options ?? []);
  if (wanted.length !== found.length) return "the options differ";
  for (const [i, option] of wanted.entries()) {
    const difference = compareOption(option, found[i] as TcpOption, rules);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function rawDifference(expected: TcpOption, actual: ActualSegment): string | undefined {
  const bytes = encodeOptions([expected]);
  const same = bytes.length === actual.optionBytes.length && bytes.every((byte, i) => byte === actual.optionBytes[i]);
  return same ? undefined : "the bytes of the options differ";
}

function compareOption(expected: TcpOption, actual: TcpOption, rules: OptionRules): string | undefined {
  if (expected.kind === "TS" && actual.kind === "TS") return compareTimestamp(expected, actual, rules);
  if (sameBytes(expected, actual)) return undefined;
  return expected.kind === actual.kind
    ? `option ${formatOption(actual)} instead of ${formatOption(expected)}`
    : "the options differ";
}

function compareTimestamp(
  expected: Extract<TcpOption, { kind: "TS" }>,
  actual: Extract<TcpOption, { kind: "TS" }>,
  rules: OptionRules,
): string | undefined {
  if (rules.checkTsEcr && expected.ecr !== actual.ecr) return `TS ecr ${actual.ecr} instead of ${expected.ecr}`;
  if (rules.tsTickUsecs === 0 || rules.lenient || expected.val === undefined || actual.val === undefined)
    return undefined;
  const off = Math.abs((actual.val - expected.val) | 0) * rules.tsTickUsecs;
  return off <= rules.tsToleranceUsecs ? undefined : `TS val ${actual.val} instead of ${expected.val}`;
}

function sameBytes(a: TcpOption, b: TcpOption): boolean {
  const left = encodeOptions([a]);
  const right = encodeOptions([b]);
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/** Without padding, in an order that does not depend on the layout. */
function essential(options: readonly TcpOption[]): TcpOption[] {
  return options
    .filter(({ kind }) => kind !== "nop" && kind !== "eol")
    .map((option) => ({ option, rank: encodeOptions([option])[0] ?? 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ option }) => option);
}
