import { invalidArgument } from "./errors.ts";
import { type Nanos, NS_PER_MS, NS_PER_SEC, NS_PER_US } from "./nanos.ts";

/*
 * Durations, rates, sizes and probabilities as people write them: the spellings of tc(8), "Parameters".
 * Every parser takes the name of the argument, so that its error says which one is wrong.
 */

/**
 * `"20ms"`, `"1.5s"`, `"250us"`, `"100ns"`, `"2min"`, `"1h"` as whole nanoseconds. A number needs its unit: tc(8) takes a bare
 * one as microseconds, others as seconds. Only 0 stands alone.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function parseDuration(value: string | number, argument: string): Nanos {
  const expected = 'a duration with its unit, such as "20ms", "1.5s" or "250us"';
  if (value === 0 || value === "0") return 0;
  return Math.round(parseQuantity(value, argument, expected, DURATION_UNITS, undefined));
}

/**
 * `"50mbit"`, `"1gbit"`, `"64kbit"` in bits per second; `"10Mbps"` is bytes per second, as in tc(8). A bare number is bits
 * per second. k, m, g, t are powers of 1000; ki, mi, gi, ti of 1024. Case does not matter.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function parseRate(value: string | number, argument: string): number {
  const expected = 'a rate such as "50mbit" (bits per second) or "10mbps" (bytes per second)';
  return parseQuantity(value, argument, expected, RATE_UNITS, 1);
}

/**
 * `"1500"`, `"64KiB"`, `"9k"`, `"1mb"` in bytes. As in tc(8) k, m and g are powers of 1024 with and without the b, and
 * `"8kbit"` is 1024 bytes. Case does not matter.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`, also for a size that is no whole number of bytes
 */
export function parseSize(value: string | number, argument: string): number {
  const expected = 'a whole number of bytes such as 1500, "64KiB" or "9k"';
  const bytes = parseQuantity(value, argument, expected, SIZE_UNITS, 1);
  if (!Number.isSafeInteger(bytes)) throw invalidArgument(argument, expected, value);
  return bytes;
}

/**
 * `"1%"`, `0.01` or `"0.01"` as a number from 0 to 1.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function parseProbability(value: string | number, argument: string): number {
  const expected = 'a probability from 0 to 1, or a percentage such as "1%"';
  const text = typeof value === "string" ? value.trim() : undefined;
  const percent = text?.endsWith("%") === true;
  const digits = percent ? text.slice(0, -1) : text;
  if (digits !== undefined && !NUMBER.test(digits)) throw invalidArgument(argument, expected, value);
  const number = digits === undefined ? Number(value) : Number(digits);
  const probability = percent ? number / 100 : number;
  if (!(probability >= 0 && probability <= 1)) throw invalidArgument(argument, expected, value);
  return probability;
}

/** `20ms`, `1.5s`, `250us`: in the largest unit that leaves a number of 1 or more, with at most three decimals. */
export function formatDuration(ns: Nanos): string {
  if (ns === Infinity) return "never";
  return format(ns, [
    ["s", NS_PER_SEC],
    ["ms", NS_PER_MS],
    ["us", NS_PER_US],
    ["ns", 1],
  ]);
}

/** `50Mbit`, `64Kbit`, `9600bit`: as `tc qdisc show` prints it, except that powers of 1024 are not looked for. */
export function formatRate(bitsPerSecond: number): string {
  if (bitsPerSecond === Infinity) return "unlimited";
  return format(bitsPerSecond, [
    ["Tbit", 1e12],
    ["Gbit", 1e9],
    ["Mbit", 1e6],
    ["Kbit", 1e3],
    ["bit", 1],
  ]);
}

/** `64KiB`, `1500B`: whole sizes in the largest power of 1024 that divides them, others with at most three decimals. */
export function formatSize(bytes: number): string {
  if (bytes === Infinity) return "unlimited";
  if (Number.isInteger(bytes) && bytes % KI !== 0 && Math.abs(bytes) < 10_000) return `${bytes}B`;
  return format(bytes, [
    ["TiB", TI],
    ["GiB", GI],
    ["MiB", MI],
    ["KiB", KI],
    ["B", 1],
  ]);
}

/** `1%`, `0.25%`: with at most four decimals. */
export function formatProbability(probability: number): string {
  return `${trim((probability * 100).toFixed(4))}%`;
}

type Units = readonly (readonly [string, number])[];

const KI = 1024;
const MI = 1024 * KI;
const GI = 1024 * MI;
const TI = 1024 * GI;

const NUMBER = /^[+]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const QUANTITY = /^\s*([+]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-zµμ]*)\s*$/i;

const DURATION_UNITS: ReadonlyMap<string, number> = spellings([
  ["ns nsec nsecs", 1],
  ["us usec usecs µs μs", NS_PER_US],
  ["ms msec msecs", NS_PER_MS],
  ["s sec secs", NS_PER_SEC],
  ["m min mins", 60 * NS_PER_SEC],
  ["h hour hours", 3600 * NS_PER_SEC],
]);

const RATE_UNITS: ReadonlyMap<string, number> = spellings([
  ["bit", 1],
  ["kbit", 1e3],
  ["mbit", 1e6],
  ["gbit", 1e9],
  ["tbit", 1e12],
  ["kibit", KI],
  ["mibit", MI],
  ["gibit", GI],
  ["tibit", TI],
  ["bps", 8],
  ["kbps", 8e3],
  ["mbps", 8e6],
  ["gbps", 8e9],
  ["tbps", 8e12],
  ["kibps", 8 * KI],
  ["mibps", 8 * MI],
  ["gibps", 8 * GI],
  ["tibps", 8 * TI],
]);

const SIZE_UNITS: ReadonlyMap<string, number> = spellings([
  ["b byte bytes", 1],
  ["k kb kib", KI],
  ["m mb mib", MI],
  ["g gb gib", GI],
  ["kbit", KI / 8],
  ["mbit", MI / 8],
  ["gbit", GI / 8],
]);

function spellings(units: Units): ReadonlyMap<string, number> {
  return new Map(units.flatMap(([names, factor]) => names.split(" ").map((name) => [name, factor] as const)));
}

function parseQuantity(
  value: string | number,
  argument: string,
  expected: string,
  units: ReadonlyMap<string, number>,
  bare: number | undefined,
): number {
  const [, digits = "", unit = ""] = QUANTITY.exec(String(value)) ?? [];
  const factor = unit === "" ? bare : units.get(unit.toLowerCase());
  if (digits === "" || factor === undefined) throw invalidArgument(argument, expected, value);
  const product = Number(digits) * factor;
  // 257.681 is no binary fraction: the product is brought back to what the digits mean.
  const quantity = Number.isInteger(product) ? product : Number(product.toPrecision(15));
  if (quantity > Number.MAX_SAFE_INTEGER) throw invalidArgument(argument, `${expected}, below 2^53`, value);
  return quantity;
}

function format(value: number, units: Units): string {
  const size = Math.abs(value);
  // The last unit serves what is smaller than any.
  const [unit, factor] = units.find(([, one], i) => size >= one || i === units.length - 1) ?? ["", 1];
  return trim((value / factor).toFixed(3)) + unit;
}

function trim(decimal: string): string {
  return decimal.replace(/\.?0+$/, "");
}
