import { formatExpression, type Expression } from "../language/expression.ts";
import { ErrnoError } from "../sut/system.ts";
import type { Call } from "./process.ts";
import { fieldsOf, itemsOf, numberOf, resolve, textOf } from "./values.ts";

/** A buffer of an argument list: how long, and what it holds if the script says. */
export interface BufferArgument {
  readonly length: number;
  readonly text: string | undefined;
}

/** A buffer and its length as two arguments. A null or wild pointer with a length is EFAULT. */
export function bufferArgument(call: Call, buffer: Expression, length: Expression): BufferArgument {
  const count = numberOf(length, call.words);
  const resolved = resolve(buffer, call.words);
  const isPointer = resolved.kind === "integer" || (resolved.kind === "word" && resolved.name === "NULL");
  if (isPointer && count > 0) throw new ErrnoError("EFAULT");
  return { length: count, text: isPointer ? undefined : textOf(resolved, call.words) };
}

/** `[{..., 100}, {iov_base=..., iov_len=40}]`. */
export function iovecArgument(call: Call, expression: Expression): BufferArgument[] {
  return itemsOf(expression, call.words).map((item) => {
    const fields = fieldsOf(item, call.words);
    const base = fields?.get("iov_base") ?? fields?.get("0");
    const length = fields?.get("iov_len") ?? fields?.get("1");
    if (base === undefined || length === undefined)
      throw call.error(`expected an iovec, found ${formatExpression(item)}`);
    return bufferArgument(call, base.value, length.value);
  });
}

export function totalLength(buffers: readonly BufferArgument[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
