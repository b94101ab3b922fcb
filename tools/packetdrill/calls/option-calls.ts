import { formatExpression, type Expression } from "../language/expression.ts";
import { ErrnoError, type OptionValue } from "../sut/system.ts";
import { done, type Attempt } from "./attempt.ts";
import type { Call } from "./process.ts";
import { fieldsOf, isEllipsis, itemsOf, numberOf, resolve, textOf } from "./values.ts";

const MICROSECOND = 1_000;
const SECOND = 1_000_000_000;

/** Levels by their several names. */
const LEVELS: Readonly<Record<string, string>> = {
  SOL_TCP: "IPPROTO_TCP",
  SOL_IP: "IPPROTO_IP",
  SOL_IPV6: "IPPROTO_IPV6",
  SOL_UDP: "IPPROTO_UDP",
};

export function setsockoptCall(call: Call): Attempt {
  const file = call.socket;
  const [level, name] = optionName(call);
  const value = optionValue(call, call.arg(3));
  if (level === "SOL_SOCKET" && (name === "SO_RCVTIMEO" || name === "SO_SNDTIMEO")) {
    const timeout = timeval(value);
    if (name === "SO_RCVTIMEO") file.receiveTimeout = timeout;
    else file.sendTimeout = timeout;
    return done(0);
  }
  file.socket.setOption(level, name, value);
  return done(0);
}

/** `getsockopt(2)`: what the script writes as the fourth argument is what must come out. */
export function getsockoptCall(call: Call): Attempt {
  const [level, name] = optionName(call);
  const expected = call.arg(3);
  if (level === "IPPROTO_TCP" && name === "TCP_INFO") return done(0, infoMismatch(call, expected));
  const actual = call.socket.socket.getOption(level, name);
  return done(0, optionMismatch(call, name, expected, actual));
}

function optionName(call: Call): [string, string] {
  const level = wordAt(call, 1);
  return [LEVELS[level] ?? level, wordAt(call, 2)];
}

function wordAt(call: Call, index: number): string {
  const argument = resolve(call.arg(index), call.words);
  if (argument.kind !== "word") throw call.unsupported(`socket option ${formatExpression(argument)}`);
  return argument.name;
}

function optionValue(call: Call, expression: Expression): OptionValue {
  const resolved = resolve(expression, call.words);
  if (resolved.kind === "ellipsis") throw call.unsupported("a socket option's value of ...");
  if (resolved.kind === "word" && resolved.name === "NULL") throw new ErrnoError("EFAULT");
  if (resolved.kind === "list" && resolved.items.length > 1) {
    return Uint8Array.from(resolved.items, (item) => numberOf(item, call.words));
  }
  const text = textOf(resolved, call.words);
  if (text !== undefined) return text;
  const fields = fieldsOf(
    resolved.kind === "list" ? (itemsOf(resolved, call.words)[0] ?? resolved) : resolved,
    call.words,
  );
  if (fields === undefined) return numberOf(resolved, call.words);
  const structure: Record<string, number> = {};
  for (const [name, { value }] of fields) {
    // `{enable=1, psk="…"}`: a pre-shared key is bytes, and no engine here has one.
    const key = textOf(value, call.words);
    if (key !== undefined) {
      if (key !== "") throw call.unsupported(`field ${name} of a socket option`);
      continue;
    }
    if (!isEllipsis(value)) structure[name] = numberOf(value, call.words);
  }
  return structure;
}

function optionMismatch(call: Call, name: string, expected: Expression, actual: OptionValue): string | undefined {
  if (isEllipsis(expected)) return undefined;
  if (typeof actual === "object" && !(actual instanceof Uint8Array)) return structMismatch(call, expected, actual);
  if (typeof actual === "number") {
    const wanted = numberOf(expected, call.words);
    return wanted === actual ? undefined : `${name} is ${actual} instead of ${wanted}`;
  }
  if (actual instanceof Uint8Array) {
    const wanted = itemsOf(expected, call.words).map((item) => numberOf(item, call.words));
    const same = wanted.length === actual.length && wanted.every((byte, i) => byte === actual[i]);
    return same ? undefined : `${name} is [${actual.join(", ")}] instead of [${wanted.join(", ")}]`;
  }
  return textMismatch(call, name, expected, actual);
}

/** A text, or the name of an errno (`SO_ERROR`; the empty one is 0). */
function textMismatch(call: Call, name: string, expected: Expression, actual: string): string | undefined {
  const text = textOf(expected, call.words);
  if (text !== undefined)
    return text === actual ? undefined : `${name} is ${JSON.stringify(actual)} instead of ${JSON.stringify(text)}`;
  const wanted = numberOf(expected, call.words);
  const number = actual === "" ? 0 : (call.words.constants[actual] ?? -1);
  return number === wanted
    ? undefined
    : `${name} is ${actual === "" ? 0 : actual} instead of ${formatExpression(expected)}`;
}

function structMismatch(
  call: Call,
  expected: Expression,
  actual: Readonly<Record<string, number>>,
): string | undefined {
  const [only] = expected.kind === "list" ? expected.items : [expected];
  const fields = only === undefined ? undefined : fieldsOf(only, call.words);
  if (fields === undefined) throw call.error(`expected a structure, found ${formatExpression(expected)}`);
  for (const [field, { value }] of fields) {
    if (isEllipsis(value)) continue;
    const wanted = numberOf(value, call.words);
    if (actual[field] !== wanted) return `${field} is ${actual[field] ?? "missing"} instead of ${wanted}`;
  }
  return undefined;
}

function infoMismatch(call: Call, expected: Expression): string | undefined {
  return isEllipsis(expected) ? undefined : structMismatch(call, expected, call.socket.socket.tcpInfo());
}

function timeval(value: OptionValue): number {
  if (typeof value !== "object" || value instanceof Uint8Array) return 0;
  const seconds = value["tv_sec"] ?? value["0"] ?? 0;
  const micros = value["tv_usec"] ?? value["1"] ?? 0;
  return seconds * SECOND + micros * MICROSECOND;
}
