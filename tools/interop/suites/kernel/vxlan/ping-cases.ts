import { defineCases, type LabCase } from "./cases.ts";
import type { Lab } from "./lab.ts";
import { ping, pingWell } from "../../../lib/netns-programs.ts";
import { addressesOf, VARIANTS, type Variant } from "./variants.ts";

/** From both sides, with both inner families; and to our own end of the tunnel. */
async function pingAll({ names }: Lab, variant: Variant): Promise<string> {
  const told: string[] = [];
  for (const family of [4, 6] as const) {
    const { kernel, ours, behind } = addressesOf(variant, family);
    for (const [from, to] of [
      [names.a, behind],
      [names.b, kernel],
    ] as const) {
      const { least } = await pingWell(from, to);
      told.push(least.toFixed(2));
    }
    await pingWell(names.a, ours);
    // Larger than fits: in fragments inside the tunnel, which the kernel puts together, or we do. The first may be lost to
    // learn how much does fit (RFC 8201 §4).
    for (const [from, to] of [
      [names.b, kernel],
      [names.a, ours],
    ] as const) {
      await ping(from, to, "-c 1 -W 1 -s 4000");
      await pingWell(from, to, "-s 4000");
    }
  }
  return `all answered; least round trips ${told.join(", ")} ms`;
}

export const pingCases: readonly LabCase[] = defineCases(
  VARIANTS.map((variant) => ({
    name: `ping through a VXLAN ${variant.name}, IPv4 and IPv6 inside, from both sides`,
    quick: true,
    run: (lab) => pingAll(lab, variant),
  })),
);
