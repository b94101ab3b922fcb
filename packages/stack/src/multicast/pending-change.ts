import type { IpAddress } from "@seville/packet";
import {
  ALLOW_NEW_SOURCES,
  BLOCK_OLD_SOURCES,
  CHANGE_TO_EXCLUDE_MODE,
  CHANGE_TO_INCLUDE_MODE,
  type GroupRecord,
  type Reception,
} from "./group-record.ts";

/**
 * What is still to be said of a group after its state changed: each change is reported `robustness` times, and what
 * changes meanwhile joins the next report (RFC 3376 §5.1, RFC 3810 §6.1).
 */
export class PendingChange<A extends IpAddress> {
  readonly group: A;
  /** The state now; the reports are made from it when they go out. */
  state: Reception<A>;
  /** Reports that still have to say the filter mode; while > 0 they say the whole state. */
  #modeReports = 0;
  /** Per source that was allowed or blocked: reports that still have to say so. */
  readonly #sourceReports = new Map<A, number>();

  constructor(group: A, state: Reception<A>) {
    this.group = group;
    this.state = state;
  }

  get isDone(): boolean {
    return this.#modeReports === 0 && this.#sourceReports.size === 0;
  }

  /** The state was `before`, and is `after` from now on. */
  change(before: Reception<A>, after: Reception<A>, robustness: number): void {
    this.state = after;
    if (before.filterMode !== after.filterMode) {
      this.#modeReports = robustness;
      // The report of the mode says all sources (RFC 3376 §5.1).
      this.#sourceReports.clear();
      return;
    }
    const old = new Set(before.sources);
    const now = new Set(after.sources);
    for (const source of before.sources) if (!now.has(source)) this.#sourceReports.set(source, robustness);
    for (const source of after.sources) if (!old.has(source)) this.#sourceReports.set(source, robustness);
  }

  /** Says the whole state anew, as when the interface comes up. */
  restate(robustness: number): void {
    this.#sourceReports.clear();
    if (this.state.filterMode === "exclude") this.#modeReports = robustness;
    else for (const source of this.state.sources) this.#sourceReports.set(source, robustness);
  }

  /** What the report that goes out now says, and one report less is left. */
  take(): GroupRecord<A>[] {
    const { group, state } = this;
    if (this.#modeReports > 0) {
      this.#modeReports--;
      // Changes of sources meanwhile are in this report; they need to be repeated as often as they would be alone.
      this.#countDown();
      const type = state.filterMode === "include" ? CHANGE_TO_INCLUDE_MODE : CHANGE_TO_EXCLUDE_MODE;
      return [{ type, group, sources: state.sources }];
    }
    const listed = new Set(state.sources);
    const allowed: A[] = [];
    const blocked: A[] = [];
    for (const source of this.#sourceReports.keys()) {
      const wanted = listed.has(source) === (state.filterMode === "include");
      (wanted ? allowed : blocked).push(source);
    }
    this.#countDown();
    const records: GroupRecord<A>[] = [];
    if (allowed.length > 0) records.push({ type: ALLOW_NEW_SOURCES, group, sources: allowed });
    if (blocked.length > 0) records.push({ type: BLOCK_OLD_SOURCES, group, sources: blocked });
    return records;
  }

  #countDown(): void {
    for (const [source, left] of this.#sourceReports) {
      if (left > 1) this.#sourceReports.set(source, left - 1);
      else this.#sourceReports.delete(source);
    }
  }
}
