import { UnsupportedError } from "../language/errors.ts";

/** What a command printed, and its exit status. */
export interface Output {
  readonly text: string;
  readonly status: number;
}

/** `grep`, `wc`, `head`, `tail`, `cat`: what stands behind a `|`. */
export function filter(words: readonly string[], input: string): Output {
  const [name = "", ...args] = words;
  switch (name) {
    case "grep":
    case "egrep":
      return grep(args, input);
    case "wc":
      return { text: `${lines(input).length}\n`, status: 0 };
    case "cat":
      return { text: input, status: 0 };
    case "head":
    case "tail":
      return cut(name, args, input);
    default:
      throw new UnsupportedError(`command ${name}`);
  }
}

function grep(args: readonly string[], input: string): Output {
  const flags = new Set(args.filter((arg) => /^-[a-zA-Z]+$/.test(arg)).flatMap((arg) => Array.from(arg.slice(1))));
  const [pattern = ""] = args.filter((arg) => !/^-[a-zA-Z]+$/.test(arg));
  const source = flags.has("F") ? pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : pattern;
  const expression = new RegExp(flags.has("w") ? `\\b(?:${source})\\b` : source, flags.has("i") ? "i" : "");
  const matching = lines(input).filter((line) => expression.test(line) !== flags.has("v"));
  const status = matching.length > 0 ? 0 : 1;
  if (flags.has("q")) return { text: "", status };
  if (flags.has("c")) return { text: `${matching.length}\n`, status };
  return { text: join(matching), status };
}

function cut(name: "head" | "tail", args: readonly string[], input: string): Output {
  const count = Number(args.join(" ").match(/\d+/)?.[0] ?? 10);
  const all = lines(input);
  return { text: join(name === "head" ? all.slice(0, count) : all.slice(-count)), status: 0 };
}

function lines(text: string): string[] {
  return text.split("\n").filter((line, i, all) => i < all.length - 1 || line !== "");
}

function join(rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join("");
}
