import { ScriptError } from "./errors.ts";

const SPACE = /(?:[ \t\r\n]+|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;

/** A place in a script: says what comes next and moves on. White space and comments between words are skipped. */
export class Cursor {
  readonly text: string;
  at = 0;
  readonly #lineStarts: number[] = [0];

  constructor(text: string) {
    this.text = text;
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.#lineStarts.push(i + 1);
  }

  /** Line number, from 1, of where the next word begins. */
  get line(): number {
    this.skip();
    return this.lineOf(this.at);
  }

  lineOf(at: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] as number) <= at) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  skip(): void {
    SPACE.lastIndex = this.at;
    if (SPACE.test(this.text)) this.at = SPACE.lastIndex;
  }

  /** Whether nothing but white space and comments is left. */
  atEnd(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  /** What comes next, if it is of the form `pattern` (which has the flag `y`); and moves behind it. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    this.skip();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  /** Whether `pattern` comes next. */
  sees(pattern: RegExp): boolean {
    this.skip();
    pattern.lastIndex = this.at;
    return pattern.test(this.text);
  }

  /** Takes the text `word` if it comes next. */
  take(word: string): boolean {
    this.skip();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** Takes the whole word `word` if it comes next. */
  takeWord(word: string): boolean {
    this.skip();
    if (!this.text.startsWith(word, this.at)) return false;
    if (/\w/.test(this.text[this.at + word.length] ?? "")) return false;
    this.at += word.length;
    return true;
  }

  expect(word: string): void {
    if (!this.take(word)) throw this.error(`expected ${JSON.stringify(word)}`);
  }

  expectMatch(pattern: RegExp, what: string): RegExpExecArray {
    const found = this.match(pattern);
    if (found === undefined) throw this.error(`expected ${what}`);
    return found;
  }

  /** A decimal or hexadecimal number no larger than `maximum`. */
  integer(what: string, maximum: number): number {
    const [word] = this.expectMatch(/0x[0-9a-fA-F]+|\d+/y, what);
    const value = Number(word);
    if (value > maximum) throw this.error(`${what} is out of range: ${word}`);
    return value;
  }

  error(message: string): ScriptError {
    this.skip();
    const rest = this.text.slice(this.at, this.at + 24).split("\n")[0] ?? "";
    const found = rest === "" ? "the end" : JSON.stringify(rest);
    return new ScriptError(this.lineOf(this.at), `${message}, found ${found}`);
  }
}
