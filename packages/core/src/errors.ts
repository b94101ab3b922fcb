/**
 * What the caller did wrong. Bytes from the wire never cause one: they are counted and dropped with a reason.
 *
 * `code` is a stable name that programs may test: Node's errno code where a socket call fails (`EADDRINUSE`),
 * otherwise `ERR_…`. `argument` names the argument, option or field at fault.
 */
export class SevilleError extends Error {
  override readonly name: string = "SevilleError";
  readonly code: string;
  readonly argument: string | undefined;

  constructor(code: string, message: string, argument?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.argument = argument;
  }
}

/** The argument `argument` is not what was expected. `expected` completes the sentence "… must be". */
export function invalidArgument(argument: string, expected: string, received: unknown): SevilleError {
  return new SevilleError(
    "ERR_INVALID_ARGUMENT",
    `${argument} must be ${expected}; received ${describe(received)}`,
    argument,
  );
}

/** A part of a protocol or an option that Seville names but does not implement. The package's README lists them. */
export function unsupported(feature: string, hint?: string): SevilleError {
  return new SevilleError(
    "ERR_UNSUPPORTED",
    `${feature} is not supported${hint === undefined ? "" : `: ${hint}`}`,
    feature,
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}
