/** A line of a script did not go as it says. */
export class ScriptFailure extends Error {
  override readonly name: string = "ScriptFailure";
  readonly line: number;
  /** What the script expects, in its notation. */
  readonly expected: string | undefined;
  /** What happened, in the same notation. */
  readonly actual: string | undefined;

  constructor(line: number, message: string, expected?: string, actual?: string) {
    super(message);
    this.line = line;
    this.expected = expected;
    this.actual = actual;
  }
}
