import { CaseFailure, check } from "../../../lib/suite.ts";
import { defineCases, FAMILIES, type TcpCase } from "./cases.ts";
import { connectPair, tellTransfer, transfer, type Opener } from "./exchange.ts";
import type { TcpLab } from "./lab.ts";
import { pause } from "./our-socket.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;
const TCPI_OPT_TIMESTAMPS = 1;
const TCPI_OPT_SACK = 2;
const TCPI_OPT_WSCALE = 4;
const SMALL = 8192;

/** Whoever should read does not, until the other end has probed the closed window; then all of it is read. */
async function zeroWindow(lab: TcpLab, family: 4 | 6, sender: Opener): Promise<string> {
  const before = await lab.peer.mib();
  const receiver = sender === "ours" ? "theirs" : "ours";
  const pair = await connectPair(lab, { family, opener: "kernel", [receiver]: { SO_RCVBUF: SMALL } });
  try {
    const { ours, theirs } = pair;
    const poured = sender === "ours" ? ours.pourAndFinish("zero", 256 * KIB) : theirs.pour("zero", 256 * KIB);
    const probes = await until(async () => {
      if (sender === "ours") return (await ours.info()).snd_wnd === 0 ? (await ours.info()).probes : 0;
      return (await theirs.info()).probes ?? 0;
    });
    const drained = sender === "ours" ? theirs.drain() : ours.drain();
    if (sender === "kernel") void poured.then(() => theirs.shutdown(1));
    const [hash, got] = [await poured, await drained];
    check(got.hash === hash && got.bytes === 256 * KIB, "the same bytes arrive", `${hash}\n${got.bytes} ${got.hash}`);
    const after = await lab.peer.mib();
    const seen = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    const told = `${probes} probes before it read; then ${got.bytes} bytes in ${got.seconds.toFixed(2)} s; the kernel's TCPToZeroWindowAdv +${seen("TcpExtTCPToZeroWindowAdv")}, TCPFromZeroWindowAdv +${seen("TcpExtTCPFromZeroWindowAdv")}, TCPWinProbe +${seen("TcpExtTCPWinProbe")}`;
    check(got.seconds < 5, "the window opens at once, not with the next probe", told);
    return told;
  } finally {
    await pair.close();
  }
}

async function until(probe: () => Promise<number>): Promise<number> {
  for (let tries = 0; tries < 400; tries++) {
    const value = await probe();
    if (value > 0) return value;
    await pause(20);
  }
  throw new CaseFailure("no probe of a closed window in 8 s");
}

/** A receiver with next to no buffer that reads a little at a time. */
async function smallWindows(lab: TcpLab, family: 4 | 6, sender: Opener): Promise<string> {
  const receiver = sender === "ours" ? "theirs" : "ours";
  const pair = await connectPair(lab, { family, opener: "ours", [receiver]: { SO_RCVBUF: 2304 } });
  const bytes = 64 * KIB;
  try {
    if (sender === "kernel") return tellTransfer(await transfer(pair, "kernel", bytes));
    const [hash, got] = await Promise.all([
      pair.ours.pourAndFinish("small", bytes),
      pair.theirs.drain({ piece: 300, pause: 0.001 }),
    ]);
    check(got.hash === hash, "the same bytes arrive", `${hash}\n${got.hash}`);
    const { data_segs_out, snd_wnd } = await pair.ours.info();
    return `${bytes} bytes in ${got.seconds.toFixed(1)} s, ${data_segs_out} segments, last window ${snd_wnd}`;
  } finally {
    await pair.close();
  }
}

interface Without {
  readonly name: string;
  readonly sysctl: `net.ipv4.tcp_${string}`;
  readonly bit: number;
}

const OPTIONS: readonly Without[] = [
  { name: "window scaling", sysctl: "net.ipv4.tcp_window_scaling", bit: TCPI_OPT_WSCALE },
  { name: "timestamps", sysctl: "net.ipv4.tcp_timestamps", bit: TCPI_OPT_TIMESTAMPS },
  { name: "SACK", sysctl: "net.ipv4.tcp_sack", bit: TCPI_OPT_SACK },
];

/** An option that one end does not have: neither uses it, and 1 % of loss is recovered without it. */
async function without(
  lab: TcpLab,
  { sysctl, bit }: Without,
  whose: "ours" | "kernel",
  opener: Opener,
): Promise<string> {
  return lab.configured({ [whose]: { [sysctl]: 0 } }, async () => {
    const told: string[] = [];
    for (const sender of ["ours", "kernel"] as const) {
      const pair = await connectPair(lab, { family: opener === "ours" ? 6 : 4, opener });
      try {
        const infos = [(await pair.ours.info()).options, (await pair.theirs.info()).options ?? 0];
        check(
          infos.every((options) => (options & bit) === 0),
          "neither end has it",
          `options ${infos.join(", ")}`,
        );
        const result = await lab.impaired({ loss: 0.01 }, () => transfer(pair, sender, MIB));
        told.push(`from ${sender}: ${tellTransfer(result)}`);
      } finally {
        await pair.close();
      }
    }
    return told.join("; ");
  });
}

/** What each end says of the other's shift is what that one says of its own; and the receive window grows beyond 64 KiB. */
async function scaled(lab: TcpLab, opener: Opener): Promise<string> {
  const pair = await connectPair(lab, { opener });
  try {
    const { ours, theirs } = await lab.impaired({ delay: 20e6, rate: 200e6 }, () => transfer(pair, "kernel", 16 * MIB));
    const told =
      `our shift ${ours.rcv_wscale}, its ${theirs.rcv_wscale ?? -1}; our window grew to ${ours.rcv_wnd}, the kernel saw ${theirs.snd_wnd ?? 0}; ` +
      `kernel's cwnd ${theirs.snd_cwnd ?? 0}, limited by our window for ${((theirs.rwnd_limited ?? 0) / 1000).toFixed(0)} ms of ${((theirs.busy_time ?? 0) / 1000).toFixed(0)}`;
    check(
      ours.snd_wscale === theirs.rcv_wscale && ours.rcv_wscale === theirs.snd_wscale,
      "both know both shifts",
      told,
    );
    check((theirs.snd_wnd ?? 0) > 500_000, "our buffer grows with what comes (500 kB and more)", told);
    return told;
  } finally {
    await pair.close();
  }
}

export const windowCases: readonly TcpCase[] = defineCases([
  ...FAMILIES.flatMap((family) =>
    (["ours", "kernel"] as const).flatMap((sender) => {
      const from = sender === "ours" ? "us" : "the kernel";
      return [
        {
          name: `zero window: probes from ${from} over IPv${family} until the other end reads`,
          quick: family === 4,
          run: (lab: TcpLab) => zeroWindow(lab, family, sender),
        },
        {
          name: `windows of one segment and less, from ${from} over IPv${family}`,
          quick: family === 6 && sender === "kernel",
          run: (lab: TcpLab) => smallWindows(lab, family, sender),
        },
      ];
    }),
  ),
  ...OPTIONS.flatMap((option) =>
    (["ours", "kernel"] as const).map((whose) => ({
      name: `without ${option.name} at ${whose === "ours" ? "our" : "the kernel's"} end, 1 % lost, both ways`,
      run: async (lab: TcpLab) =>
        `${await without(lab, option, whose, "ours")}\n${await without(lab, option, whose, "kernel")}`,
    })),
  ),
  ...(["ours", "kernel"] as const).map((opener) => ({
    name: `window scaling and autotuning, ${opener === "ours" ? "our" : "the kernel's"} connect`,
    quick: opener === "ours",
    run: (lab: TcpLab) => scaled(lab, opener),
  })),
]);
