/** A set of counters: plain numbers under the names of a MIB, such as those of /proc/net/snmp. Count with `c.InHdrErrors++`. */
export type Counters<Name extends string> = Record<Name, number>;

/** A set with all of `names` at 0, in that order. */
export function createCounters<const Name extends string>(names: readonly Name[]): Counters<Name> {
  const counters = {} as Counters<Name>;
  for (const name of names) counters[name] = 0;
  return counters;
}

/** A copy that no longer changes. */
export function snapshotCounters<Name extends string>(counters: Readonly<Counters<Name>>): Readonly<Counters<Name>> {
  return Object.freeze({ ...counters });
}

/** What was counted between `before` and `after`: only the names that changed, as nstat(8) prints them. */
export function diffCounters<Name extends string>(
  before: Readonly<Counters<Name>>,
  after: Readonly<Counters<Name>>,
): Partial<Counters<Name>> {
  const difference: Partial<Counters<Name>> = {};
  for (const name of Object.keys(after) as Name[]) {
    if (after[name] !== before[name]) difference[name] = after[name] - before[name];
  }
  return difference;
}

/** Adds all of `from` to `into`, as a host sums its interfaces. */
export function addCounters<Name extends string>(into: Counters<Name>, from: Readonly<Counters<Name>>): void {
  for (const name of Object.keys(into) as Name[]) into[name] += from[name];
}
