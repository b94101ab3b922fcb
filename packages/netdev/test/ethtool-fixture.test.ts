import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DeviceFeatures, FeatureSet, formatFeatures, parseFeature } from "../src/index.ts";

/*
 * What a real kernel made of `ethtool -K` on real devices, recorded by fixtures/record-ethtool.mjs: every switchable feature
 * there and back, then a walk of 150 steps on which dependencies pile up. Ours must come to the same at every step.
 */

type Change = readonly string[];

interface Recorded {
  readonly kind: string;
  readonly loopback: boolean;
  /** What the device's driver takes away in its ndo_fix_features. */
  readonly driverTakes: readonly string[];
  readonly on: readonly string[];
  readonly wanted: readonly string[];
  readonly switchable: readonly string[];
  readonly steps: readonly (readonly [set: string, on: Change, wanted: Change])[];
}

const fixture = JSON.parse(readFileSync(new URL("fixtures/ethtool.json", import.meta.url), "utf8")) as {
  readonly kernel: string;
  readonly devices: readonly Recorded[];
};

function setOf(names: readonly string[]): FeatureSet {
  return names.reduce((set, name) => set.with(parseFeature(name)), FeatureSet.NONE);
}

/** The set after `-gone` and `+come`. */
function apply(before: FeatureSet, change: Change): FeatureSet {
  let after = before;
  for (const word of change) {
    const feature = parseFeature(word.slice(1));
    after = word.startsWith("+") ? after.with(feature) : after.without(feature);
  }
  return after;
}

/** Our device, declared as the recorded one must have been to begin like it. */
function ours({ on, wanted, switchable, driverTakes, loopback }: Recorded): DeviceFeatures {
  const takes = setOf(driverTakes);
  const device = new DeviceFeatures(
    {
      hwFeatures: setOf(switchable),
      features: setOf(on).with(setOf(wanted)),
      hwEncFeatures: FeatureSet.NONE,
      vlanFeatures: FeatureSet.NONE,
      mplsFeatures: FeatureSet.NONE,
      gsoPartialFeatures: FeatureSet.NONE,
      loopback,
    },
    { fixFeatures: (features) => features.without(takes) },
  );
  // `ip link add` leaves veth and others without GRO until it is asked for.
  device.set(setOf(switchable).without(setOf(wanted)), false);
  return device;
}

test.each(fixture.devices)("F3 F4 netdev_fix_features, step by step as the kernel: $kind", (recorded) => {
  const device = ours(recorded);
  let on = setOf(recorded.on);
  let wanted = setOf(recorded.wanted);
  expect(device.hwFeatures.names()).toEqual(setOf(recorded.switchable).names());
  expect(device.features.names()).toEqual(on.names());
  expect(device.wantedFeatures.names()).toEqual(wanted.names());
  for (const [index, [set, onChange, wantedChange]] of recorded.steps.entries()) {
    device.set(parseFeature(set.slice(1)), set.startsWith("+"));
    on = apply(on, onChange);
    wanted = apply(wanted, wantedChange);
    expect(device.features.names(), `step ${index}: ${set}`).toEqual(on.names());
    expect(device.wantedFeatures.names(), `step ${index}: ${set}`).toEqual(wanted.names());
  }
  expect(recorded.steps.length).toBeGreaterThan(recorded.switchable.length * 2);
});

test("F3 the recording holds steps on which a rule took something away and gave it back", () => {
  const consequences = fixture.devices.flatMap(({ steps }) => steps.filter(([, on]) => on.length > 1));
  expect(consequences.some(([set]) => set === "-tx-scatter-gather")).toBe(true);
  expect(consequences.some(([set]) => set === "+tx-scatter-gather")).toBe(true);
  expect(consequences.some(([set]) => set === "-tx-checksum-ip-generic")).toBe(true);
  // And some in which what was asked for did not come about.
  expect(
    fixture.devices.flatMap(({ steps }) => steps).some(([, on, wanted]) => on.length === 0 && wanted.length === 1),
  ).toBe(true);
});

test("F6 ethtool -k of a recorded device: what is asked for in vain is said, what cannot be switched too", () => {
  const tap = fixture.devices.find(({ kind }) => kind === "tap") as Recorded;
  const text = formatFeatures("tap0", ours(tap));
  expect(text).toContain("\ttx-checksum-ip-generic: off [requested on]\n");
  expect(text).toContain("\ttx-tcp-segmentation: off [requested on]\n");
  expect(text).toContain("large-receive-offload: off [fixed]\n");
});
