import type { IpAddress } from "@seville/packet";
import type { FilterMode } from "../interface/multicast-groups.ts";

/** Types of group records, the same in IGMPv3 (RFC 3376 §4.2.12) and MLDv2 (RFC 3810 §5.2.12). */
export const MODE_IS_INCLUDE = 1;
export const MODE_IS_EXCLUDE = 2;
export const CHANGE_TO_INCLUDE_MODE = 3;
export const CHANGE_TO_EXCLUDE_MODE = 4;
export const ALLOW_NEW_SOURCES = 5;
export const BLOCK_OLD_SOURCES = 6;
export type RecordType = 1 | 2 | 3 | 4 | 5 | 6;

export interface GroupRecord<A extends IpAddress = IpAddress> {
  readonly type: RecordType;
  readonly group: A;
  readonly sources: readonly A[];
}

/** Which sources of a group are wanted. `INCLUDE {}`: none, the group is not joined. */
export interface Reception<A extends IpAddress = IpAddress> {
  readonly filterMode: FilterMode;
  readonly sources: readonly A[];
}

/** What the interface wants of a group of which it wants nothing. */
export const NOTHING: Reception<never> = { filterMode: "include", sources: [] };

/** The record that answers a query about `group` (RFC 3376 §5.2, RFC 3810 §6.3), or `undefined`: stay silent. */
export function currentStateRecord<A extends IpAddress>(
  group: A,
  state: Reception<A>,
  asked: readonly A[] = [],
): GroupRecord<A> | undefined {
  const { filterMode, sources } = state;
  if (asked.length === 0) {
    if (filterMode === "exclude") return { type: MODE_IS_EXCLUDE, group, sources };
    return sources.length === 0 ? undefined : { type: MODE_IS_INCLUDE, group, sources };
  }
  const wanted = asked.filter((source) => sources.includes(source) === (filterMode === "include"));
  return wanted.length === 0 ? undefined : { type: MODE_IS_INCLUDE, group, sources: wanted };
}

/**
 * Splits records over reports of at most `room` bytes each: a list that does not fit is continued in another record,
 * except that of an EXCLUDE record, which is cut (RFC 3376 §4.2.16, RFC 3810 §5.2.15).
 *
 * @param headBytes length of a record without sources
 * @param sourceBytes length of a source
 */
export function packRecords<A extends IpAddress>(
  records: readonly GroupRecord<A>[],
  room: number,
  headBytes: number,
  sourceBytes: number,
): GroupRecord<A>[][] {
  const reports: GroupRecord<A>[][] = [];
  let report: GroupRecord<A>[] = [];
  let left = room;
  const next = (): void => {
    if (report.length > 0) reports.push(report);
    report = [];
    left = room;
  };
  for (const { type, group, sources } of records) {
    if (type === MODE_IS_EXCLUDE || type === CHANGE_TO_EXCLUDE_MODE) {
      if (left < headBytes + sources.length * sourceBytes) next();
      const fitting = sources.slice(0, Math.max(0, Math.floor((left - headBytes) / sourceBytes)));
      report.push({ type, group, sources: fitting });
      left -= headBytes + fitting.length * sourceBytes;
      continue;
    }
    let from = 0;
    do {
      if (left < headBytes + (from < sources.length ? sourceBytes : 0)) next();
      const count = Math.max(0, Math.min(sources.length - from, Math.floor((left - headBytes) / sourceBytes)));
      report.push({ type, group, sources: sources.slice(from, from + count) });
      left -= headBytes + count * sourceBytes;
      from += count;
      // A room that holds no source at all: nothing more can be said.
      if (count === 0 && from < sources.length && report.length === 1) break;
    } while (from < sources.length);
  }
  next();
  return reports;
}
