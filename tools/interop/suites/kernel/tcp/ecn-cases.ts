import type { DirectionOptions } from "../../../../../packages/sim/src/index.ts";
import { check, Skip } from "../../../lib/suite.ts";
import { defineCases, type TcpCase } from "./cases.ts";
import { connectPair, tellTransfer, transfer, type Opener } from "./exchange.ts";
import type { TcpLab } from "./lab.ts";

const MIB = 1 << 20;
const TCPI_OPT_ECN = 8;
/** Everything that waits longer than a millisecond is marked. */
const MARKING: DirectionOptions = { rate: 60e6, queue: { kind: "codel", ceThreshold: 1e6, target: 1e9 } };

const NAMES = new Map<number, string>([
  [0, "off"],
  [1, "asks"],
  [2, "answers"],
  [3, "accurate"],
]);

type Kind = "none" | "classic" | "accurate";

/** What comes of it (RFC 3168 §6.1.1, RFC 9768 §3.1). */
function outcome(client: number, server: number): Kind {
  if (server === 0 || client === 0 || client === 2) return "none";
  return client === 3 && server === 3 ? "accurate" : "classic";
}

interface Setting {
  readonly opener: Opener;
  readonly ours: number;
  readonly kernel: number;
}

async function negotiated(
  lab: TcpLab,
  { opener, ours, kernel }: Setting,
  control: string,
  bytes: number,
): Promise<string> {
  const kind = opener === "ours" ? outcome(ours, kernel) : outcome(kernel, ours);
  const settings = { ours: { "net.ipv4.tcp_ecn": ours }, kernel: { "net.ipv4.tcp_ecn": kernel } };
  const family = ours % 2 === 0 ? 6 : 4;
  return lab.configured(settings, async () => {
    const told: string[] = [];
    for (const sender of ["ours", "kernel"] as const) {
      const before = await markedFrames(lab, sender);
      const pair = await connectPair(lab, { family, opener, captured: false, ours: { TCP_CONGESTION: control } });
      try {
        const result = await lab.impaired(MARKING, () => transfer(pair, sender, bytes));
        const from = sender === "ours" ? result.ours : result.theirs;
        const arrived = (await markedFrames(lab, sender)) - before;
        const isAccurate = pair.ours.socket.connection?.accEcn !== undefined;
        const words =
          `from ${sender}: ${tellTransfer(result)}; ${from.delivered_ce ?? 0} of ${from.delivered ?? 0} acknowledged as marked` +
          `, ${arrived} packets came marked; ${from.total_retrans ?? 0} sent again; options ours ${result.ours.options}, kernel ${result.theirs.options ?? 0}`;
        told.push(words);
        const isOn = kind !== "none";
        check(((result.ours.options & TCPI_OPT_ECN) !== 0) === isOn, `our end has ECN: ${isOn}`, words);
        check(
          (((result.theirs.options ?? 0) & TCPI_OPT_ECN) !== 0) === isOn,
          `the kernel's end has ECN: ${isOn}`,
          words,
        );
        check(isAccurate === (kind === "accurate"), `our end has AccECN: ${kind === "accurate"}`, words);
        check((from.delivered_ce ?? 0) > 0 === isOn, "the sender learns of marks exactly if there are any", words);
        if (kind === "accurate" && sender === "ours") {
          check(Math.abs((from.delivered_ce ?? 0) - arrived) <= 2, "it learns of each", words);
        }
      } finally {
        await pair.close();
      }
    }
    return `${kind}\n${told.join("\n")}`;
  });
}

/** Packets with CE that came to the receiver's IP; what GRO merged is one. */
async function markedFrames(lab: TcpLab, sender: Opener): Promise<number> {
  if (sender === "kernel") return lab.host.mib.ipExt.InCEPkts + lab.host.mib.ip6.InCEPkts;
  const counters = await lab.peer.mib();
  return (counters.IpExtInCEPkts ?? 0) + (counters.Ip6InCEPkts ?? 0);
}

const SETTINGS: readonly Setting[] = (["ours", "kernel"] as const).flatMap((opener) =>
  [1, 2, 3].flatMap((ours) => [0, 1, 2, 3].map((kernel) => ({ opener, ours, kernel }))),
);

/** Linux 6.18 has the code and some of the sysctls of AccECN, but does not let it be switched on. */
async function assertKernel(lab: TcpLab, setting: number): Promise<void> {
  if (setting !== 3) return;
  const before = await lab.peer.readSysctl("net.ipv4.tcp_ecn");
  try {
    await lab.peer.sysctl("net.ipv4.tcp_ecn", 3);
  } catch {
    throw new Skip("this kernel has no AccECN: its tcp_ecn takes no 3");
  }
  await lab.peer.sysctl("net.ipv4.tcp_ecn", before);
}

export const ecnCases: readonly TcpCase[] = defineCases([
  ...SETTINGS.map((setting) => ({
    name: `ECN: ours ${NAMES.get(setting.ours) ?? ""}, the kernel ${NAMES.get(setting.kernel) ?? ""}, ${setting.opener === "ours" ? "our" : "its"} connect`,
    quick:
      (setting.ours === setting.kernel && setting.ours !== 2) ||
      (setting.opener === "ours" && setting.ours + setting.kernel === 3),
    run: async (lab: TcpLab, { quick }: { readonly quick: boolean }) => {
      await assertKernel(lab, setting.kernel);
      return negotiated(lab, setting, "cubic", quick ? MIB / 2 : 2 * MIB);
    },
  })),
  ...["dctcp", "bbr3"].flatMap((control) =>
    [1, 3].map((mode) => ({
      name: `ECN: ${control} with ${mode === 1 ? "classic" : "accurate"} feedback`,
      quick: control === "dctcp" && mode === 3,
      run: async (lab: TcpLab, { quick }: { readonly quick: boolean }) => {
        await assertKernel(lab, mode);
        return negotiated(lab, { opener: "ours", ours: mode, kernel: mode }, control, quick ? MIB / 2 : 2 * MIB);
      },
    })),
  ),
]);
