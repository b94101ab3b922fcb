import { startPing, type PingReport } from "../../../../../packages/stack/src/index.ts";
import { check } from "../../../lib/suite.ts";
import { ping } from "../basic/ping.ts";
import { guestCounters, grown, ourCounters, type Counters } from "./counters.ts";
import { innerOf, type LiveTunnel } from "./tunnel.ts";
import { inWorld } from "./site.ts";

const SIZES = [0, 56, 1201];
const COUNT = 3;

/** Ping both ways, in each family, of several sizes; nothing lost, nothing counted as an error, and both sides count the same. */
export async function checkPing(tunnel: LiveTunnel, quick: boolean): Promise<string> {
  const { spec, site } = tunnel;
  const before = await bothCounters(tunnel);
  let replies = 0;
  for (const family of spec.inner) {
    for (const size of quick ? [57] : SIZES) {
      const theirs = await ping(site.guest, `-i 0.02 -c ${COUNT} -s ${size} ${innerOf(spec, "ours", family)}`);
      check(theirs.received === COUNT, `${COUNT} replies from us to IPv${family} of ${size} bytes`, theirs.text);
      const ours = await pingFromOurs(tunnel, family, size);
      check(ours.received === COUNT, `${COUNT} replies from the kernel to IPv${family} of ${size} bytes`, ours.text);
      replies += theirs.received + ours.received;
    }
  }
  const after = await settled(tunnel);
  for (const who of ["ours", "kernel"] as const) {
    const names = ["rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "collisions"] as const;
    const told = grown(before[who], after[who], names);
    check(told === "none", `no error of the device at ${who}`, told);
  }
  const ways = [after.ours.tx_packets - before.ours.tx_packets, after.kernel.rx_packets - before.kernel.rx_packets];
  const back = [after.kernel.tx_packets - before.kernel.tx_packets, after.ours.rx_packets - before.ours.rx_packets];
  check(ways[0] === ways[1], "the kernel's device received what ours sent", ways.join(" sent, received "));
  check(back[0] === back[1], "ours received what the kernel's device sent", back.join(" sent, received "));
  check(
    tunnel.near.mtu === tunnel.kernelMtu,
    "both devices have the same MTU",
    `${tunnel.near.mtu} and ${tunnel.kernelMtu}`,
  );
  return `${replies} of ${replies} replies, MTU ${tunnel.kernelMtu} on both sides`;
}

export function pingFromOurs(tunnel: LiveTunnel, family: 4 | 6, size: number): Promise<PingReport> {
  const { spec, site } = tunnel;
  return new Promise((resolve, reject) => {
    inWorld(site.world, () =>
      startPing(site.host, innerOf(spec, "guest", family), {
        count: COUNT,
        interval: 20e6,
        size,
        linger: 3e9,
        onDone: resolve,
      }),
    ).catch(reject);
  });
}

export interface BothCounters {
  readonly ours: Counters;
  readonly kernel: Counters;
}

/** Of near's tunnel, when nothing is under way: both ends have counted the same, or one second has passed. */
async function settled(tunnel: LiveTunnel): Promise<BothCounters> {
  let last = await bothCounters(tunnel);
  for (let i = 0; i < 10; i++) {
    const next = await bothCounters(tunnel);
    if (JSON.stringify(next) === JSON.stringify(last)) return next;
    last = next;
  }
  return last;
}

export async function bothCounters({ site, near }: LiveTunnel): Promise<BothCounters> {
  const kernel = await guestCounters(site.guest);
  return { kernel, ours: await inWorld(site.world, () => ourCounters(near)) };
}
