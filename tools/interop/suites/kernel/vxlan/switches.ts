import type { NetInterface } from "../../../../../packages/stack/src/index.ts";
import { setFeature } from "../../../../../packages/stack/src/offload/index.ts";
import { check } from "../../../lib/suite.ts";
import type { Lab, Side } from "./lab.ts";

/** Words of `ethtool -K`. What else there is depends on these: segmentation on `tx`, super-packets from the kernel on `rx`. */
const WORDS = ["tx", "rx", "gso", "gro"];
const SIDES: readonly Side[] = ["a", "b"];

/**
 * Runs `during` with the offloads of our TAP devices off: the kernel gives us frames that fit the link and are finished, and so
 * do we; nobody merges any.
 */
export async function withoutOffloads<Result>(lab: Lab, during: () => Promise<Result>): Promise<Result> {
  const before = featuresOf(lab);
  await switchAll(lab, false);
  try {
    return await during();
  } finally {
    await switchAll(lab, true);
    check(featuresOf(lab) === before, "all features came back", `${before}\n${featuresOf(lab)}`);
  }
}

async function switchAll(lab: Lab, on: boolean): Promise<void> {
  const switchOne = (iface: NetInterface): void => {
    for (const word of WORDS) setFeature(iface, word, on);
  };
  await lab.inWorld(() => SIDES.forEach((side) => switchOne(lab.interfaces[side])));
}

function featuresOf({ nics }: Lab): string {
  return SIDES.map((side) => nics[side].device.features.features.names().join(" ")).join("\n");
}
