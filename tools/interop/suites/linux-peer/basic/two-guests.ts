import type { World } from "../../../../../packages/scenario/src/index.ts";
import type { GuestSession } from "../../../../linux-peer/session.ts";
import type { LiveScenario } from "../../../lib/live-scenario.ts";
import type { Case } from "../../../lib/suite.ts";

/** What the cases work on. */
export interface TwoGuests {
  readonly live: LiveScenario;
  readonly world: World;
  readonly left: GuestSession;
  readonly right: GuestSession;
  /** Frames that this machine's kernel dropped so far between us and the guests, because one side was given no processor time. */
  readonly lostByMachine: () => number;
}

export type GuestCase = Case<TwoGuests>;

/** Cases, with the types that they get here. */
export function defineCases(cases: readonly GuestCase[]): readonly GuestCase[] {
  return cases;
}
