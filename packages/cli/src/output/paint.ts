import pc from "picocolors";
import type { FormatOptions } from "@seville/scenario";

type Paint = NonNullable<FormatOptions["paint"]>;

/** Colours for problems, where the stream shows them. */
export function painter(stream: { readonly isTTY?: boolean }): Paint {
  const { bold, red, yellow, dim, cyan } = pc.createColors(stream.isTTY === true && pc.isColorSupported);
  const styles: Record<Parameters<Paint>[1], (text: string) => string> = {
    error: (text) => bold(red(text)),
    warning: (text) => bold(yellow(text)),
    place: bold,
    frame: dim,
    mark: red,
    hint: cyan,
  };
  return (text, as) => styles[as](text);
}
