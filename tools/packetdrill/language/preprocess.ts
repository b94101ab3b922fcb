import { ScriptError } from "./errors.ts";

/**
 * Blanks out what `#ifdef NAME … #endif` leaves out, line for line, so that line numbers stay. As in packetdrill there is
 * no nesting and no `#else`; which names are defined is the profile's affair.
 */
export function preprocess(source: string, defined: ReadonlySet<string>): string {
  let openedAt = 0;
  let keep = true;
  const lines = source.split("\n").map((line, index) => {
    const number = index + 1;
    const directive = /^\s*#(ifdef|ifndef|else|endif|include)\b\s*([A-Za-z]\w*)?/.exec(line);
    if (directive === null) return keep ? line : "";
    const [, word = "", name] = directive;
    if (word === "ifdef" || word === "ifndef") {
      if (openedAt !== 0) throw new ScriptError(number, `#${word} inside the one of line ${openedAt}`);
      if (name === undefined) throw new ScriptError(number, `#${word} needs a name`);
      openedAt = number;
      keep = defined.has(name) === (word === "ifdef");
      return "";
    }
    if (openedAt === 0) throw new ScriptError(number, `#${word} without #ifdef`);
    if (word === "else") keep = !keep;
    else if (word === "endif") {
      openedAt = 0;
      keep = true;
    } else throw new ScriptError(number, `#${word} is not in the language`);
    return "";
  });
  if (openedAt !== 0) throw new ScriptError(openedAt, "#ifdef without #endif");
  return lines.join("\n");
}
