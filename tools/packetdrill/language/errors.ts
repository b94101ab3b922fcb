/** The script is not in the language. */
export class ScriptError extends Error {
  override readonly name: string = "ScriptError";
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** The script is in the language, and asks for something that this interpreter does not do. Never counted as passed. */
export class UnsupportedError extends Error {
  override readonly name: string = "UnsupportedError";
  readonly feature: string;

  constructor(feature: string) {
    super(feature);
    this.feature = feature;
  }
}
