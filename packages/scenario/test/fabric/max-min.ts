/**
 * Max-min fair shares by progressive filling (Bertsekas and Gallager §6.5.2): all flows grow alike; those on a link that is full
 * stop. Each link has a capacity of 1 unless said otherwise.
 */
export function maxMinShares(
  paths: readonly (readonly string[])[],
  capacity: ReadonlyMap<string, number> = new Map(),
): number[] {
  const users = new Map<string, Set<number>>();
  for (const [flow, links] of paths.entries()) {
    for (const link of links) {
      const there = users.get(link) ?? new Set<number>();
      there.add(flow);
      users.set(link, there);
    }
  }
  const left = new Map([...users.keys()].map((link) => [link, capacity.get(link) ?? 1]));
  const share = paths.map(() => 0);
  const growing = new Set(paths.keys());
  while (growing.size > 0) {
    let step = Infinity;
    for (const [link, flows] of users) if (flows.size > 0) step = Math.min(step, left.get(link)! / flows.size);
    for (const flow of growing) share[flow]! += step;
    for (const [link, flows] of users) left.set(link, left.get(link)! - step * flows.size);
    for (const [link, flows] of [...users]) {
      if (flows.size === 0 || left.get(link)! > 1e-9) continue;
      for (const flow of [...flows]) {
        growing.delete(flow);
        for (const each of paths[flow]!) users.get(each)!.delete(flow);
      }
    }
  }
  return share;
}
