/** What a file in `targets/` exports as `target`. */
export interface FuzzTarget {
  /** Runs the code under test on one input. An exception is a finding: let none out that the contract allows. */
  run(input: Uint8Array): void;
  /** Well-formed inputs to start from. */
  seeds(): Uint8Array[];
}
