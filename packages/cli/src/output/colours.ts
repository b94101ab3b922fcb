import pc from "picocolors";

/**
 * Colours for standard output: on a terminal, or where FORCE_COLOR asks for them. Never in a pipe only because CI is set, as
 * picocolors has it by itself: a script would read escape codes.
 */
export const colours: ReturnType<typeof pc.createColors> = pc.createColors(
  (process.stdout.isTTY && pc.isColorSupported) || process.env.FORCE_COLOR !== undefined,
);
