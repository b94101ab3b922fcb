import type { Value } from "./syntax.ts";

/** How Python prints a value. */
export function formatValue(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  return `(${value.map(formatValue).join(", ")})`;
}

/** `"cwnd=%d" % cwnd`: printf's `%d %i %u %x %X %o %f %s %r %%` with flags, width and precision. */
export function formatString(format: string, value: Value): string {
  const values = Array.isArray(value) ? (value as readonly Value[]) : [value];
  let next = 0;
  const text = format.replace(
    /%([-0 +#]*)(\d*)(?:\.(\d+))?([diuxXofsr%])/g,
    (_, flags: string, width: string, precision: string | undefined, conversion: string) => {
      if (conversion === "%") return "%";
      const argument = values[next++];
      if (argument === undefined) throw new RangeError("not enough values for the format");
      return pad(convert(conversion, argument, precision), flags, Number(width));
    },
  );
  if (next < values.length) throw new RangeError("more values than the format has places");
  return text;
}

function convert(conversion: string, value: Value, precision: string | undefined): string {
  if (conversion === "s" || conversion === "r") return formatValue(value);
  const number = typeof value === "boolean" ? Number(value) : value;
  if (typeof number !== "number") throw new RangeError(`%${conversion} needs a number`);
  if (conversion === "f") return number.toFixed(precision === undefined ? 6 : Number(precision));
  const whole = Math.trunc(number);
  if (conversion === "x") return whole.toString(16);
  if (conversion === "X") return whole.toString(16).toUpperCase();
  return conversion === "o" ? whole.toString(8) : String(whole);
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes("-")) return text.padEnd(width);
  return text.padStart(width, flags.includes("0") ? "0" : " ");
}
