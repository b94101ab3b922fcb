import type { Case } from "../../../lib/suite.ts";
import type { TcpLab } from "./lab.ts";

export type TcpCase = Case<TcpLab>;

/** Cases, with the types that they get here. */
export function defineCases(cases: readonly TcpCase[]): readonly TcpCase[] {
  return cases;
}

export const FAMILIES: readonly (4 | 6)[] = [4, 6];
/** All of ours. */
export const CONTROLS = ["reno", "cubic", "bbr", "bbr3", "dctcp"] as const;
