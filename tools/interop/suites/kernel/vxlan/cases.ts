import type { Case } from "../../../lib/suite.ts";
import type { Lab } from "./lab.ts";

export type LabCase = Case<Lab>;

/** Cases, with the types that they get here. */
export function defineCases(cases: readonly LabCase[]): readonly LabCase[] {
  return cases;
}
