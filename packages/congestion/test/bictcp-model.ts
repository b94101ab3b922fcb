/*
 * bictcp_update as the kernel's C would run, in BigInt with u32 and u64 made by masks: slow and obvious. An oracle for
 * CubicWindow, written from the algorithm's description (RFC 9438 §4) and the kernel's units.
 */
const U32 = (x: bigint): bigint => x & 0xffff_ffffn;

export interface BicModel {
  cnt: bigint;
  lastMax: bigint;
  lastCwnd: bigint;
  lastTime: bigint;
  origin: bigint;
  k: bigint;
  delayMin: bigint;
  epoch: bigint | undefined;
  ackCnt: bigint;
  tcpCwnd: bigint;
}

export function bicModel(): BicModel {
  return {
    cnt: 0n,
    lastMax: 0n,
    lastCwnd: 0n,
    lastTime: 0n,
    origin: 0n,
    k: 0n,
    delayMin: 0n,
    epoch: undefined,
    ackCnt: 0n,
    tcpCwnd: 0n,
  };
}

const HZ = 1000n;
const BETA = 717n;
const SCALE = 1024n;
const BETA_SCALE = (8n * (SCALE + BETA)) / 3n / (SCALE - BETA);
const CUBE_RTT_SCALE = 41n * 10n;
const CUBE_FACTOR = (1n << 40n) / CUBE_RTT_SCALE;

export function bicUpdate(ca: BicModel, cwnd: bigint, acked: bigint, now: bigint, root: (a: bigint) => bigint): void {
  ca.ackCnt += acked;
  if (ca.lastCwnd === cwnd && now - ca.lastTime <= HZ / 32n) return;
  if (!(ca.epoch !== undefined && now === ca.lastTime)) {
    ca.lastCwnd = cwnd;
    ca.lastTime = now;
    if (ca.epoch === undefined) {
      ca.epoch = now;
      ca.ackCnt = acked;
      ca.tcpCwnd = cwnd;
      ca.k = ca.lastMax <= cwnd ? 0n : root(CUBE_FACTOR * (ca.lastMax - cwnd));
      ca.origin = ca.lastMax <= cwnd ? cwnd : ca.lastMax;
    }
    const t = ((now - ca.epoch + (ca.delayMin + 999n) / 1000n) << 10n) / HZ;
    const offs = t < ca.k ? ca.k - t : t - ca.k;
    const delta = U32((CUBE_RTT_SCALE * offs * offs * offs) >> 40n);
    const target = t < ca.k ? ca.origin - delta : ca.origin + delta;
    ca.cnt = target > cwnd ? cwnd / (target - cwnd) : 100n * cwnd;
    if (ca.lastMax === 0n && ca.cnt > 20n) ca.cnt = 20n;
  }
  const delta = (cwnd * BETA_SCALE) >> 3n;
  while (ca.ackCnt > delta) {
    ca.ackCnt -= delta;
    ca.tcpCwnd++;
  }
  if (ca.tcpCwnd > cwnd) {
    const most = cwnd / (ca.tcpCwnd - cwnd);
    if (ca.cnt > most) ca.cnt = most;
  }
  if (ca.cnt < 2n) ca.cnt = 2n;
}

export function bicCongestion(ca: BicModel, cwnd: bigint): void {
  ca.epoch = undefined;
  ca.lastMax = cwnd < ca.lastMax ? (cwnd * (SCALE + BETA)) / (2n * SCALE) : cwnd;
}

/** floor of the exact cube root. */
export function exactRoot(a: bigint): bigint {
  let [low, high] = [0n, 1n];
  while (high * high * high <= a) high *= 2n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle * middle * middle <= a) low = middle;
    else high = middle;
  }
  return low;
}
