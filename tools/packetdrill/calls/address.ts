import { formatExpression, type Expression } from "../language/expression.ts";
import type { SocketAddress } from "../sut/system.ts";
import { UnsupportedError } from "../language/errors.ts";
import type { Call } from "./process.ts";
import { fieldsOf, numberOf, textOf } from "./values.ts";

/** An argument of type `struct sockaddr *`; `...` is `otherwise`. */
export function addressArgument(call: Call, index: number, otherwise: SocketAddress): SocketAddress {
  const argument = call.arg(index);
  if (argument.kind === "ellipsis") return otherwise;
  const fields = fieldsOf(argument, call.words);
  if (fields === undefined) throw call.error(`expected an address, found ${formatExpression(argument)}`);
  const family = fields.get("sa_family")?.value;
  if (family?.kind === "word" && family.name === "AF_UNSPEC") return { ...otherwise, family: "AF_UNSPEC" };
  const port = fields.get("sin_port")?.value ?? fields.get("sin6_port")?.value;
  const address = fields.get("sin_addr")?.value ?? fields.get("sin6_addr")?.value;
  return {
    port: port === undefined ? 0 : numberOf(port, call.words),
    address: address === undefined ? otherwise.address : hostOf(address, call),
    ...(family?.kind === "word" ? { family: family.name } : {}),
  };
}

function hostOf(expression: Expression, call: Call): string {
  if (expression.kind === "apply" && /^inet_(addr|pton)$/.test(expression.name)) {
    const text = expression.args.map((argument) => textOf(argument, call.words)).find((found) => found !== undefined);
    if (text !== undefined) return text;
  }
  if (expression.kind === "word" && expression.name === "INADDR_ANY") return "0.0.0.0";
  throw new UnsupportedError(`address ${formatExpression(expression)}`);
}
