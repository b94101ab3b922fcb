/** A simple command of a shell line: its words, and what came before it. */
export interface SimpleCommand {
  readonly words: readonly string[];
  /** How it hangs on the one before: `;` always, `&&`, `||`, `|`. */
  readonly after: ";" | "&&" | "||" | "|";
}

/** The small part of a shell's grammar that scripts use: words, quotes, pipes, lists; redirections are read and left out. */
export function splitCommands(text: string): SimpleCommand[] {
  const commands: SimpleCommand[] = [];
  let words: string[] = [];
  let after: SimpleCommand["after"] = ";";
  const finish = (next: SimpleCommand["after"]): void => {
    if (words.length > 0) commands.push({ words, after });
    if (words.length > 0 || next !== ";") after = next;
    words = [];
  };
  const token =
    /\\\n|[ \t]+|#[^\n]*|(?<list>&&|\|\||[|;\n])|(?:\d|&)?[<>]{1,2}(?:&\d|\s*[^\s;|&]+)|(?<word>(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\;|&<>])+)|&/y;
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    if (found === null) break;
    const { list, word } = found.groups ?? {};
    if (list !== undefined) finish(list === "\n" ? ";" : (list as SimpleCommand["after"]));
    else if (word !== undefined) words.push(unquote(word));
  }
  finish(";");
  return commands;
}

function unquote(word: string): string {
  return word.replace(
    /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) => {
      if (single !== undefined) return single;
      return escaped ?? (double ?? "").replace(/\\(["\\$`])/g, "$1");
    },
  );
}
