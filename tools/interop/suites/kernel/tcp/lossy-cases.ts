import type { DirectionOptions } from "../../../../../packages/sim/src/index.ts";
import { check } from "../../../lib/suite.ts";
import { CONTROLS, defineCases, type TcpCase } from "./cases.ts";
import { connectPair, tellTransfer, transfer, type Opener } from "./exchange.ts";
import type { TcpLab } from "./lab.ts";

const MIB = 1 << 20;

interface Impairment {
  readonly name: string;
  readonly options: DirectionOptions;
  readonly bytes: number;
}

const REORDERED = { delay: 4e6, reorder: 0.02 } as const;
const IMPAIRMENTS: readonly Impairment[] = [
  { name: "nothing lost", options: {}, bytes: 32 * MIB },
  { name: "1 % lost", options: { loss: 0.01 }, bytes: 12 * MIB },
  { name: "5 % lost", options: { loss: 0.05 }, bytes: 3 * MIB },
  { name: "2 % early", options: REORDERED, bytes: 8 * MIB },
  { name: "5 % twice", options: { duplicate: 0.05 }, bytes: 16 * MIB },
  {
    name: "1 % lost, 2 % early, 2 % twice, 0.1 % corrupted",
    options: { ...REORDERED, loss: 0.01, duplicate: 0.02, corrupt: 0.001 },
    bytes: 3 * MIB,
  },
];

/** The kernel's controls to hear from, beside ours. */
const KERNEL_CONTROLS = ["cubic", "bbr"];
/** Sent again for each that was lost, at most: whole flights may be after a timeout. */
const WASTE = 4;
/**
 * Of all segments, at most so many are sent again because they were overtaken: a window of RACK's grows to a round trip only as it
 * is told of its errors, and a control that does not slow down has a whole flight to be wrong about. The kernel's own BBR comes to a tenth.
 */
const OVERTAKEN = 0.3;

interface Way {
  readonly family: 4 | 6;
  readonly opener: Opener;
  readonly sender: Opener;
}

/** One connection each way, one after the other: over IPv4 and IPv6, opened by us and by the kernel. */
async function impaired(lab: TcpLab, { options, bytes }: Impairment, sender: Opener, control: string): Promise<string> {
  const ways: readonly Way[] = [
    { family: 4, opener: "ours", sender },
    { family: 6, opener: "kernel", sender },
  ];
  const told: string[] = [];
  for (const { family, opener } of ways) {
    const direction = sender === "ours" ? "aToB" : "bToA";
    const lostBefore = await lostOn(lab, direction);
    const whose = sender === "ours" ? "ours" : "theirs";
    const pair = await connectPair(lab, { family, opener, captured: false, [whose]: { TCP_CONGESTION: control } });
    try {
      const result = await lab.impaired(options, () => transfer(pair, sender, bytes));
      const lost = (await lostOn(lab, direction)) - lostBefore;
      const [from, to] = sender === "ours" ? [result.ours, result.theirs] : [result.theirs, result.ours];
      const words =
        `IPv${family}: ${tellTransfer(result)}; ${lost} frames lost, ${from.total_retrans ?? 0} sent again; sender saw ${from.reord_seen ?? 0} reorderings, ` +
        `${from.dsack_dups ?? 0} DSACKs, has cwnd ${from.snd_cwnd ?? 0}, RTT ${((from.rtt ?? 0) / 1000).toFixed(1)} ms; receiver ${to.rcv_ooopack ?? 0} out of order`;
      told.push(words);
      const mistaken = options.reorder === undefined ? 0 : (OVERTAKEN * bytes) / 1400;
      check((from.total_retrans ?? 0) <= 20 + WASTE * lost + mistaken, "little is sent again that was not lost", words);
    } finally {
      await pair.close();
    }
  }
  return told.join("\n");
}

async function lostOn(lab: TcpLab, direction: "aToB" | "bToA"): Promise<number> {
  const { dropped } = lab.link.stats(direction);
  const before = direction === "bToA" ? await lab.tapDrops() : 0;
  return before + Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

export const lossyCases: readonly TcpCase[] = defineCases([
  ...IMPAIRMENTS.flatMap((impairment, i) =>
    CONTROLS.map((control, j) => ({
      name: `${impairment.name}: from us with ${control}`,
      quick: i > 0 && i === j + 1,
      run: (lab: TcpLab, { quick }: { readonly quick: boolean }) =>
        impaired(lab, sized(impairment, quick), "ours", control),
    })),
  ),
  ...IMPAIRMENTS.flatMap((impairment, i) =>
    KERNEL_CONTROLS.map((control) => ({
      name: `${impairment.name}: from the kernel with ${control}`,
      quick: control === "cubic" && (i === 1 || i === 5),
      run: (lab: TcpLab, { quick }: { readonly quick: boolean }) =>
        impaired(lab, sized(impairment, quick), "kernel", control),
    })),
  ),
]);

function sized(impairment: Impairment, quick: boolean): Impairment {
  return quick ? { ...impairment, bytes: impairment.bytes / 8 } : impairment;
}
