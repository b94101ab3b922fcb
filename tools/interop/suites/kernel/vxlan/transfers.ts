import { check } from "../../../lib/suite.ts";
import { defineCases, type LabCase } from "./cases.ts";
import { countDuring, meanSizes } from "./counters.ts";
import type { Lab } from "./lab.ts";
import { inNetns, start } from "../../../lib/netns-programs.ts";
import { script } from "./script.ts";
import { addressesOf, VARIANTS, type Variant } from "./variants.ts";

/** Frames of this size and more, in the mean, were not split. */
export const UNSPLIT = 15_000;

/** As many bytes as two full frames and more, in the mean, were merged. How many come in one poll depends on the machine's load. */
const MERGED = 3000;

/** Into the tunnel: from B to the kernel's VXLAN, so that we wrap; or out of it. */
export type Direction = "in" | "out";

let seed = 0;

/** Sends `bytes` by TCP and compares what arrived, by SHA-256. */
export async function transfer(from: string, to: string, address: string, bytes: number): Promise<string> {
  const receiver = start(to, [...script("transfer.mjs"), "receive", address, "9000"]);
  try {
    await receiver.printed("ready");
    const words = [...script("transfer.mjs"), "send", address, "9000", String(bytes), `seed ${seed++}`];
    const sent = (await inNetns(from, words)).trim();
    const got = (await receiver.ended).output.replace("ready", "").trim();
    check(got === sent, "the same bytes", `sent ${sent}\ngot  ${got}`);
    return `${(bytes / 1e6).toFixed(0)} MB, SHA-256 ${sent.split(" ")[1]?.slice(0, 12)}… on both sides`;
  } finally {
    receiver.stop("SIGKILL");
  }
}

/** Hashed, and counted at both TAP devices. */
export async function hashed(
  lab: Lab,
  variant: Variant,
  family: 4 | 6,
  direction: Direction,
  bytes: number,
): Promise<string> {
  const { names, tunnelsUnsplit } = lab;
  const { kernel, behind } = addressesOf(variant, family);
  const [from, to, address] = direction === "in" ? [names.b, names.a, kernel] : [names.a, names.b, behind];
  const { result, taps } = await countDuring(lab, () => transfer(from, to, address, bytes));
  const [plain, wrapped] =
    direction === "in"
      ? [meanSizes(taps.b).toUs, meanSizes(taps.a).fromUs]
      : [meanSizes(taps.b).fromUs, meanSizes(taps.a).toUs];
  const told = `${result}; mean frame ${plain} bytes plain, ${wrapped} in VXLAN`;
  if (!tunnelsUnsplit && direction === "out") {
    check(plain >= MERGED, `what the kernel split is merged again (${MERGED} bytes in the mean)`, told);
    return `${told} (split and merged: this kernel, before 6.17, knows no VXLAN in virtio_net_hdr)`;
  }
  const least = `super-packets go through unsplit (${UNSPLIT} bytes in the mean)`;
  check(plain >= UNSPLIT && (wrapped >= UNSPLIT || !tunnelsUnsplit), least, told);
  return tunnelsUnsplit ? told : `${told} (split: this kernel, before 6.17, knows no VXLAN in virtio_net_hdr)`;
}

export const transferCases: readonly LabCase[] = defineCases(
  VARIANTS.flatMap((variant) =>
    ([4, 6] as const).flatMap((family) =>
      (["out", "in"] as const).map((direction) => ({
        name: `TCP over IPv${family} ${direction === "in" ? "into" : "out of"} a VXLAN ${variant.name}`,
        // Each underlay, family, policy and direction is in one of them.
        quick: variant.number === (family === 4 ? 2 : 3),
        run: (lab: Lab, { quick }: { readonly quick: boolean }) =>
          hashed(lab, variant, family, direction, quick ? 16e6 : 128e6),
      })),
    ),
  ),
);
