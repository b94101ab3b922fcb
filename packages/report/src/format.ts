/** Numbers for people: rounded to what can be read, with their unit behind a narrow space. */

const NARROW = "\u202f";

/** Nanoseconds as `20.3 ms`, in the unit that leaves 1 to 999. */
export function formatTime(ns: number): string {
  const size = Math.abs(ns);
  if (size >= 999.5e6) return `${significant(ns / 1e9)}${NARROW}s`;
  if (size >= 999.5e3) return `${significant(ns / 1e6)}${NARROW}ms`;
  if (size >= 999.5) return `${significant(ns / 1e3)}${NARROW}µs`;
  return `${significant(ns)}${NARROW}ns`;
}

/** A moment of the run in seconds, with no more decimals than it has: `5 s`, `1.25 s`. */
export function formatMoment(ns: number): string {
  return `${String(Math.round(ns / 1e3) / 1e6)}${NARROW}s`;
}

/** Bits per second as `9.86 Mbit/s`. */
export function formatRate(bitsPerSecond: number): string {
  return scaled(bitsPerSecond, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
}

/** Bytes as `1.23 MB` (decimal, as disks and links are counted). */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB"]);
}

/** `1 234 567`, with narrow spaces. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, NARROW);
}

/** A share as `1.25 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent !== 0 && percent < 0.01) return `<${NARROW}0.01${NARROW}%`;
  return `${significant(percent)}${NARROW}%`;
}

/** Three significant digits, but never fewer than the whole part has, and no zeros behind them. */
export function significant(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = value.toFixed(decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= base * 0.9995 && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${unit === 0 ? String(Math.round(size)) : significant(size)}${NARROW}${units[unit] ?? ""}`;
}
