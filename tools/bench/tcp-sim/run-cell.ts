import { NS_PER_MS, NS_PER_SEC } from "../../../packages/core/src/index.ts";
import { linuxSettings } from "../../../packages/tcp/src/index.ts";
import { RMEM, TcpPath } from "../lib/tcp-path.ts";
import { serve } from "../lib/worker-pool.ts";
import type { Cell, Metrics } from "./cells.ts";

/** 32 MiB: what the kernel's figures at 1 % of loss and more need, see README. */
const WMEM = 33_554_432;

export interface CellRun {
  readonly cell: Cell;
  readonly seed: number;
  readonly seconds: number;
}

/** One flow over the cell's path, from its beginning. */
export function runCell({ cell, seed, seconds }: CellRun): Metrics {
  const { rate, rtt, buffer, loss = 0, policer, wmem = WMEM } = cell;
  const path = new TcpPath({
    seed,
    forward: {
      framing: "none",
      rate,
      delay: rtt / 2,
      queue: { kind: "fifo", limitBytes: buffer },
      ...(loss > 0 ? { loss } : {}),
      ...(policer === undefined ? {} : { policer }),
    },
    back: { framing: "none", delay: rtt / 2 },
    endpoint: { settings: { ...linuxSettings(), tcp_rmem: RMEM, tcp_wmem: [4096, 16_384, wmem] } },
  });
  const flow = path.start(cell.congestion);
  let rttSum = 0;
  let samples = 0;
  let maxRtt = 0;
  path.runSampled(seconds * NS_PER_SEC, 100 * NS_PER_MS, () => {
    const srtt = flow.connection.srttUs / 8000;
    if (srtt === 0) return;
    rttSum += srtt;
    samples++;
    maxRtt = Math.max(maxRtt, srtt);
  });
  const { framesIn, framesDropped } = path.link.stats("aToB");
  const metrics = {
    goodput: (flow.received * 8) / seconds / 1e6,
    meanRtt: rttSum / Math.max(1, samples),
    maxRtt,
    dropped: (100 * framesDropped) / framesIn,
  };
  path.close();
  return metrics;
}

if (process.send !== undefined) serve(runCell);
