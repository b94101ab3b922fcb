import { check } from "../../../lib/suite.ts";
import { defineCases, type LabCase } from "./cases.ts";
import { countDuring, meanSizes, mib } from "./counters.ts";
import type { Lab } from "./lab.ts";
import { iperf } from "../../../lib/netns-programs.ts";
import { withoutOffloads } from "./switches.ts";
import { UNSPLIT, type Direction } from "./transfers.ts";
import { addressesOf, VARIANTS, type Variant } from "./variants.ts";

/** Offloads make it at least this much faster. */
const LEAST_GAIN = 2;
const FULL_FRAME = 1300;

interface Measured {
  /** Gbit/s of payload. */
  readonly rate: number;
  /** Mean frame at the TAP device that data comes in by, and at the one that it leaves by, bytes. */
  readonly entry: number;
  readonly exit: number;
  /** Segments that TCP sent twice, and packets that came before an earlier one. */
  readonly retransmitted: number;
  readonly disordered: number;
  /** Frames that carried the data. */
  readonly frames: number;
}

async function measure(
  lab: Lab,
  variant: Variant,
  family: 4 | 6,
  direction: Direction,
  seconds: number,
): Promise<Measured> {
  const { names } = lab;
  const { kernel, behind } = addressesOf(variant, family);
  const [from, to, address] = direction === "in" ? [names.b, names.a, kernel] : [names.a, names.b, behind];
  const before = await mib(to);
  const { result, taps } = await countDuring(lab, () => iperf(to, from, address, `-t ${seconds}`));
  const after = await mib(to);
  const [here, there] = direction === "in" ? [taps.b, taps.a] : [taps.a, taps.b];
  return {
    rate: (result.sum_received?.bits_per_second ?? 0) / 1e9,
    entry: meanSizes(here).toUs,
    exit: meanSizes(there).fromUs,
    retransmitted: result.sum_sent?.retransmits ?? 0,
    disordered: (after.TcpExtTCPOFOQueue ?? 0) - (before.TcpExtTCPOFOQueue ?? 0),
    frames: here.tx_packets,
  };
}

function tell({ rate, entry, exit, retransmitted }: Measured): string {
  return `${rate.toFixed(2)} Gbit/s, frames of ${entry} bytes in, ${exit} out, ${retransmitted} segments sent again`;
}

/** Of the frames, at most this many may come out of order: the kernel's own threads change processors. */
const MOST_DISORDER = 0.005;

async function compare(
  lab: Lab,
  variant: Variant,
  family: 4 | 6,
  direction: Direction,
  quick: boolean,
): Promise<string> {
  const seconds = quick ? 1 : 4;
  const without = await withoutOffloads(lab, () => measure(lab, variant, family, direction, seconds));
  const with_ = await measure(lab, variant, family, direction, seconds);
  const gain = with_.rate / without.rate;
  const told = `with offloads ${tell(with_)}; without ${tell(without)}; ${gain.toFixed(1)} times as fast`;
  check(
    without.entry >= FULL_FRAME && without.entry <= 1514 && without.exit <= 1514,
    "without, they fit the link",
    told,
  );
  for (const { disordered, frames } of [with_, without]) {
    const seen = `${disordered} of ${frames} came before an earlier one; ${told}`;
    check(disordered <= frames * MOST_DISORDER, "we keep the order", seen);
  }
  if (!lab.tunnelsUnsplit) return `${told} (no more is asked of a kernel before 6.17: it splits what is in VXLAN)`;
  check(with_.entry >= UNSPLIT && with_.exit >= UNSPLIT, `with offloads frames are of ${UNSPLIT} bytes or more`, told);
  check(gain >= LEAST_GAIN, `offloads make it ${LEAST_GAIN} times as fast`, told);
  return told;
}

export const throughputCases: readonly LabCase[] = defineCases(
  VARIANTS.flatMap((variant) =>
    (["out", "in"] as const).map((direction) => {
      // Both inner families over both underlays.
      const family = variant.number === 1 || variant.number === 4 ? 4 : 6;
      return {
        name: `iperf3 TCP over IPv${family} ${direction === "in" ? "into" : "out of"} a VXLAN ${variant.name}, with offloads and without`,
        quick: variant.number === 4 || variant.number === 1,
        run: (lab: Lab, { quick }: { readonly quick: boolean }) => compare(lab, variant, family, direction, quick),
      };
    }),
  ),
);
