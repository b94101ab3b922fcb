import { check } from "../../../lib/suite.ts";
import { CONTROLS, defineCases, FAMILIES, type TcpCase } from "./cases.ts";
import { connectPair, tellTransfer, transfer, type Opener } from "./exchange.ts";
import type { TcpLab } from "./lab.ts";

const GIB = 1 << 30;
const MIB = 1 << 20;

/** Frames of this size and more, in the mean, are super-packets. */
const SUPER = 8000;

async function bulk(
  lab: TcpLab,
  family: 4 | 6,
  opener: Opener,
  sender: Opener,
  bytes: number,
  control = "cubic",
): Promise<string> {
  const { device } = lab.nic;
  const count = (): { packets: number; bytes: number } => {
    const { total } = sender === "ours" ? device.txQueueStats : device.rxQueueStats;
    return { packets: total.packets, bytes: total.bytes };
  };
  const pair = await connectPair(lab, { path: "fast", family, opener, ours: { TCP_CONGESTION: control } });
  const before = count();
  const mibBefore = { ...lab.host.mib.extra.get("TcpExt") };
  try {
    const result = await transfer(pair, sender, bytes);
    const after = count();
    const mean = Math.round((after.bytes - before.bytes) / (after.packets - before.packets));
    const { ours, theirs } = result;
    const mib = lab.host.mib.extra.get("TcpExt") ?? {};
    const why = ["TCPLossProbes", "TCPTimeouts", "TCPFastRetrans", "TCPDSACKRecv"].map(
      (name) => `${name} +${(mib[name] ?? 0) - (mibBefore[name] ?? 0)}`,
    );
    const told =
      `${tellTransfer(result)}; mean frame ${mean} bytes; retransmitted: ours ${ours.total_retrans} (${why.join(", ")}), kernel ${theirs.total_retrans}; ` +
      `cwnd: ours ${ours.snd_cwnd}, kernel ${theirs.snd_cwnd}`;
    check(mean >= SUPER, `super-packets pass (${SUPER} bytes in the mean)`, told);
    return told;
  } finally {
    await pair.close();
  }
}

export const bulkCases: readonly TcpCase[] = defineCases([
  ...FAMILIES.flatMap((family) =>
    (["ours", "kernel"] as const).map((sender) => {
      // Both families have both as clients and as senders.
      const opener = (family === 4) === (sender === "ours") ? "ours" : "kernel";
      return {
        name: `1 GiB over IPv${family} from ${sender === "ours" ? "us" : "the kernel"}, ${opener === "ours" ? "our" : "its"} connect, super-packets (quick: 64 MiB)`,
        quick: true,
        run: (lab: TcpLab, { quick }: { readonly quick: boolean }) =>
          bulk(lab, family, opener, sender, quick ? 64 * MIB : GIB),
      };
    }),
  ),
  ...CONTROLS.filter((control) => control !== "cubic").map((control, i) => ({
    name: `128 MiB from us with ${control}, super-packets`,
    run: (lab: TcpLab) => bulk(lab, i % 2 === 0 ? 4 : 6, i % 2 === 0 ? "kernel" : "ours", "ours", 128 * MIB, control),
  })),
]);
