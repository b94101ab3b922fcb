/** Points of a line, in ascending order of `x`. */
export interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * At most `2 * buckets` points that draw the same picture: of each stretch of x the least and the greatest, in their order.
 * What stands out to the eye are extremes, and none is lost.
 */
export function decimate({ x, y }: Points, buckets: number): Points {
  const count = x.length;
  if (count <= 2 * buckets) return { x, y };
  const first = x[0] as number;
  const width = ((x[count - 1] as number) - first) / buckets;
  const keptX: number[] = [];
  const keptY: number[] = [];
  let at = 0;
  for (let bucket = 1; bucket <= buckets && at < count; bucket++) {
    const end = bucket === buckets ? Infinity : first + bucket * width;
    let least = at;
    let greatest = at;
    let next = at;
    for (; next < count && (x[next] as number) < end; next++) {
      if ((y[next] as number) < (y[least] as number)) least = next;
      if ((y[next] as number) > (y[greatest] as number)) greatest = next;
    }
    if (next === at) continue;
    for (const index of least === greatest ? [least] : [Math.min(least, greatest), Math.max(least, greatest)]) {
      keptX.push(x[index] as number);
      keptY.push(y[index] as number);
    }
    at = next;
  }
  return { x: keptX, y: keptY };
}

/** Adds or takes the greatest of groups of equal size, so that at most `most` samples are left. All lists share the grouping. */
export function coarsen(values: readonly number[], most: number, how: "mean" | "max" | "sum"): number[] {
  const size = groupSize(values.length, most);
  if (size === 1) return [...values];
  const result: number[] = [];
  for (let at = 0; at < values.length; at += size) {
    const group = values.slice(at, at + size);
    if (how === "max") result.push(Math.max(...group));
    else {
      const sum = group.reduce((total, value) => total + value, 0);
      result.push(how === "sum" ? sum : sum / group.length);
    }
  }
  return result;
}

/** How many samples {@link coarsen} joins. */
export function groupSize(count: number, most: number): number {
  return Math.max(1, Math.ceil(count / most));
}
