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
}

export type GuestCase = Case<TwoGuests>;

/** Cases, with the types that they get here. */
export function defineCases(cases: readonly GuestCase[]): readonly GuestCase[] {
  return cases;
}
