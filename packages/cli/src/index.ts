/**
 * The `seville` command as a function, for tests and wrappers.
 *
 * @module
 */
export { runCommandLine } from "./command-line.ts";
export { EXIT } from "./exit-codes.ts";
