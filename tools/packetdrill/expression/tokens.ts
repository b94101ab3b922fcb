/** The words of the code between `%{` and `}%`: the small part of Python that scripts use. */
export interface Token {
  readonly kind: "number" | "string" | "name" | "operator" | "newline" | "end";
  readonly text: string;
  /** Line within the snippet, from 0. */
  readonly line: number;
  /** Columns of indentation of the logical line that the token begins, else -1. */
  readonly indent: number;
}

/** The code is not in the part of Python that is understood. */
export class CodeError extends Error {
  override readonly name: string = "CodeError";
  /** Line within the snippet, from 0. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const WORD =
  /(?<number>0[xX][0-9a-fA-F]+|\d+\.\d*(?:[eE][+-]?\d+)?|\d+)|(?<name>[A-Za-z_]\w*)|(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<operator>\*\*|\/\/|<<=?|>>=?|[=!<>+\-*/%&|^]=|[-+*/%&|^~<>=()[\],:;.{}])/y;

/** Splits a snippet into tokens. Lines go on inside brackets and after a backslash; comments and empty lines are left out. */
export function tokenize(code: string): Token[] {
  return new Tokenizer(code).run();
}

class Tokenizer {
  readonly #code: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 0;
  /** How many brackets are open. */
  #depth = 0;
  #indent = 0;

  constructor(code: string) {
    this.#code = code;
  }

  run(): Token[] {
    while (this.#skipSpace()) this.#step();
    this.#endLine();
    this.#push("end", "");
    return this.#tokens;
  }

  /** Whether anything is left behind the white space. */
  #skipSpace(): boolean {
    const [space = ""] = /^(?:[ \t\r]|\\\n)*/.exec(this.#code.slice(this.#at)) ?? [];
    if (this.#isFresh()) this.#indent = space.length;
    this.#line += space.split("\n").length - 1;
    this.#at += space.length;
    return this.#at < this.#code.length;
  }

  #step(): void {
    const next = this.#code[this.#at];
    if (next === "#") {
      const end = this.#code.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#code.length : end;
      return;
    }
    if (next === "\n") {
      if (this.#depth === 0) this.#endLine();
      this.#line++;
      this.#at++;
      return;
    }
    this.#word();
  }

  #word(): void {
    WORD.lastIndex = this.#at;
    const found = WORD.exec(this.#code);
    if (found?.groups === undefined) {
      throw new CodeError(this.#line, `${JSON.stringify(this.#code[this.#at])} is not understood`);
    }
    const [text] = found;
    const kind = (["number", "name", "string"] as const).find((name) => found.groups?.[name] !== undefined);
    if ("([{".includes(text)) this.#depth++;
    if (")]}".includes(text)) this.#depth--;
    this.#push(kind ?? "operator", text);
    this.#at = WORD.lastIndex;
  }

  /** Whether a logical line begins. */
  #isFresh(): boolean {
    const last = this.#tokens.at(-1);
    return last === undefined || last.kind === "newline";
  }

  #endLine(): void {
    if (!this.#isFresh()) this.#push("newline", "");
  }

  #push(kind: Token["kind"], text: string): void {
    this.#tokens.push({ kind, text, line: this.#line, indent: this.#isFresh() ? this.#indent : -1 });
  }
}
