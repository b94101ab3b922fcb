import { STATS_DRIVER } from "../../../../../packages/netdev/src/index.ts";
import { check, Skip } from "../../../lib/suite.ts";
import { defineCases, type LabCase } from "./cases.ts";
import { countDuring, meanSizes, mib } from "./counters.ts";
import type { Lab } from "./lab.ts";
import { inNetns, iperf, start } from "../../../lib/netns-programs.ts";
import { script } from "./script.ts";
import { UNSPLIT, type Direction } from "./transfers.ts";
import { addressesOf, VARIANTS, type Variant } from "./variants.ts";

const SIZE = 1200;
const PER_CALL = 40;

function ends({ names }: Lab, variant: Variant, family: 4 | 6, direction: Direction) {
  const { kernel, behind } = addressesOf(variant, family);
  return direction === "in"
    ? ({ from: names.b, to: names.a, address: kernel, entry: "b" } as const)
    : ({ from: names.a, to: names.b, address: behind, entry: "a" } as const);
}

/** Datagrams that the kernel leaves in one piece (UDP_SEGMENT), and so do we: the other kernel splits them at its socket. */
async function segmentation(
  lab: Lab,
  variant: Variant,
  family: 4 | 6,
  direction: Direction,
  count: number,
): Promise<string> {
  const { from, to, address, entry } = ends(lab, variant, family, direction);
  if (!lab.nics[entry].device.features.features.has("GSO_UDP_L4"))
    throw new Skip("this kernel has no USO for TAP devices");
  if (entry === "a" && !lab.tunnelsUnsplit) throw new Skip("this kernel, before 6.17, splits what is in VXLAN");
  const statistic = (name: string): number => lab.nics[entry].stats(STATS_DRIVER).get(name) ?? 0;
  const before = { packets: statistic("rx_gso_packets"), bytes: statistic("rx_gso_bytes") };
  const receiver = start(to, [...script("datagrams.mjs"), "receive", address, "9001", String(count)]);
  try {
    await receiver.printed("ready");
    const numbers = [count, SIZE, PER_CALL].map(String);
    await inNetns(from, [...script("datagrams.mjs"), "send", address, "9001", ...numbers]);
    setTimeout(() => receiver.stop("SIGINT"), 3000).unref();
    const { output } = await receiver.ended;
    const packets = statistic("rx_gso_packets") - before.packets;
    const mean = Math.round((statistic("rx_gso_bytes") - before.bytes) / Math.max(1, packets));
    const told = `${output.replace("ready", "").trim()} of ${count} in ${packets} super-packets of ${mean} bytes`;
    check(output.includes(`{"received":${count},"bad":0}`), "every datagram, as it was sent", told);
    check(packets >= count / PER_CALL && mean >= UNSPLIT, "they came unsplit", told);
    return told;
  } finally {
    receiver.stop("SIGKILL");
  }
}

/** iperf3 counts what is missing; who dropped it is known by the kernels' counters. */
async function paced(lab: Lab, variant: Variant, direction: Direction, seconds: number): Promise<string> {
  const { from, to, address } = ends(lab, variant, 4, direction);
  const before = (await mib(to)).UdpRcvbufErrors ?? 0;
  const { result, taps } = await countDuring(lab, () => iperf(to, from, address, `-u -b 30M -l ${SIZE} -t ${seconds}`));
  const full = ((await mib(to)).UdpRcvbufErrors ?? 0) - before;
  const { packets = 0, lost_packets: lost = 0 } = result.sum ?? {};
  const byKernel = taps.a.tx_dropped + taps.b.tx_dropped + full;
  const told = `${lost} of ${packets} lost, ${byKernel} of them by the kernels for want of processor time`;
  check(packets > 2000 * seconds, `more than ${2000 * seconds} sent`, told);
  check(lost <= byKernel, "none lost by us", told);
  return told;
}

/** iperf3 itself with UDP_SEGMENT and UDP_GRO, where it is new enough. */
async function iperfSegmentation(lab: Lab, direction: Direction): Promise<string> {
  const help = await inNetns(lab.names.a, "iperf3 --help");
  if (!help.includes("--gsro")) throw new Skip("this iperf3 has no --gsro");
  const { from, to, address } = ends(lab, VARIANTS[0] as Variant, 4, direction);
  const { result, taps } = await countDuring(lab, () => iperf(to, from, address, `-u --gsro -b 300M -l ${SIZE} -t 3`));
  const { packets = 0, lost_packets: lost = 0 } = result.sum ?? {};
  const here = direction === "in" ? taps.b : taps.a;
  const mean = meanSizes(here).toUs;
  const told = `${lost} of ${packets} lost; mean frame ${mean} bytes to us`;
  check(packets > 10_000, "more than 10000 sent", told);
  check(mean >= UNSPLIT || (direction === "out" && !lab.tunnelsUnsplit), "they came unsplit", told);
  return told;
}

export const datagramCases: readonly LabCase[] = defineCases([
  ...VARIANTS.flatMap((variant) =>
    (["out", "in"] as const).map((direction) => {
      const family = variant.number % 2 === 0 ? 4 : 6;
      return {
        name: `USO over IPv${family} ${direction === "in" ? "into" : "out of"} a VXLAN ${variant.name}`,
        quick: variant.number === 2 || variant.number === 3,
        run: (lab: Lab) => segmentation(lab, variant, family, direction, 4000),
      };
    }),
  ),
  ...(["out", "in"] as const).map((direction) => ({
    name: `iperf3 UDP with USO ${direction === "in" ? "into" : "out of"} a VXLAN`,
    run: (lab: Lab) => iperfSegmentation(lab, direction),
  })),
  ...(["out", "in"] as const).map((direction) => ({
    name: `iperf3 UDP, 30 Mbit/s, ${direction === "in" ? "into" : "out of"} a VXLAN: we lose nothing`,
    quick: direction === "in",
    run: (lab: Lab, { quick }: { readonly quick: boolean }) =>
      paced(lab, VARIANTS[0] as Variant, direction, quick ? 1 : 5),
  })),
]);
