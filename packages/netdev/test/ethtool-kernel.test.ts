import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { ethtoolName, FEATURE_NAMES, formatFeatures, FeatureSet, LEGACY_GROUPS } from "../src/index.ts";

/** Lines of `ethtool -k`, without their state. */
function labels(text: string): string[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.split(":")[0]!)
    .filter((label) => label !== "");
}

testWith(["linux", "ethtool"], "F6 we print no feature that this machine's kernel and ethtool do not know", () => {
  const theirs = new Set(labels(execFileSync("ethtool", ["-k", "lo"], { encoding: "utf8" })));
  const none = { features: FeatureSet.NONE, wantedFeatures: FeatureSet.NONE, hwFeatures: FeatureSet.NONE };
  const ours = labels(formatFeatures("lo", none));
  // Deprecated in the kernel: ethtool prints the group of UFO only where there is the feature; AccECN is new in 6.18.
  const optional = new Set(["udp-fragmentation-offload", "\ttx-tcp-accecn-segmentation"]);
  expect(ours.filter((label) => !theirs.has(label) && !optional.has(label))).toEqual([]);
  const known = new Set([...FEATURE_NAMES.map(ethtoolName), ...LEGACY_GROUPS.map(({ long }) => long)]);
  // And the other way round.
  expect([...theirs].map((label) => label.trim()).filter((label) => !known.has(label))).toEqual([]);
});
