import { CodeError, type Token } from "./tokens.ts";

/** Goes through tokens one by one. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** Whether a token of this kind comes next. */
  is(kind: Token["kind"]): boolean {
    return this.next.kind === kind;
  }

  /** The place, for {@link TokenReader.since}. */
  mark(): number {
    return this.#at;
  }

  /** The words read since `mark`. */
  since(mark: number): string[] {
    return this.#tokens.slice(mark, this.#at).map((token) => token.text);
  }

  take(): Token {
    const token = this.next;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  sees(...texts: readonly string[]): boolean {
    const { kind, text } = this.next;
    return (kind === "operator" || kind === "name") && texts.includes(text);
  }

  accept(...texts: readonly string[]): string | undefined {
    return this.sees(...texts) ? this.take().text : undefined;
  }

  expect(text: string): void {
    if (this.accept(text) === undefined) throw this.error(`expected ${text}`);
  }

  error(message: string): CodeError {
    const { kind, text, line } = this.next;
    const found = kind === "end" ? "the end" : kind === "newline" ? "the end of the line" : JSON.stringify(text);
    return new CodeError(line, `${message}, found ${found}`);
  }
}
