import { FeatureSet } from "./feature-set.ts";
import { fixFeatures, type FeatureFix } from "./fix-features.ts";
import { NEVER_CHANGE, SOFT_FEATURES, SOFT_FEATURES_OFF, UPPER_DISABLES } from "./flags.ts";

/** What a driver says of its device before it registers it (`struct net_device`). */
export interface FeatureDeclaration {
  /** What a user can switch. */
  readonly hwFeatures: FeatureSet;
  /** What is on at the beginning; those outside of `hwFeatures` stay as they are. */
  readonly features: FeatureSet;
  /** What is left for encapsulated packets. */
  readonly hwEncFeatures: FeatureSet;
  /** What is left behind a VLAN tag. */
  readonly vlanFeatures: FeatureSet;
  /** What is left behind an MPLS label. */
  readonly mplsFeatures: FeatureSet;
  /** Segmentation that the device does only of packets that software prepared (GSO_PARTIAL; S7). */
  readonly gsoPartialFeatures: FeatureSet;
}

/** What a driver may have a say in. */
export interface FeatureHooks {
  /** `ndo_fix_features`: dependencies of this device's own, before the general ones. */
  fixFeatures?(features: FeatureSet): FeatureSet;
  /** `ndo_set_features`: `features` are on from now on. `before` are still in the device. */
  setFeatures?(features: FeatureSet, before: FeatureSet): void;
  /** What was taken back, and why: the kernel's log. */
  onFix?: (fix: FeatureFix) => void;
}

/**
 * The features of a device and how they change: what is wanted, put through the driver's and the general rules, is what
 * is active (`__netdev_update_features`). What had to go comes back by itself once its condition holds again, because it
 * is still wanted.
 */
export class DeviceFeatures implements FeatureDeclaration {
  readonly hwFeatures: FeatureSet;
  readonly hwEncFeatures: FeatureSet;
  readonly vlanFeatures: FeatureSet;
  readonly mplsFeatures: FeatureSet;
  readonly gsoPartialFeatures: FeatureSet;
  readonly #hooks: FeatureHooks;
  #active: FeatureSet;
  #wanted: FeatureSet;
  /** Of an upper device: switched off there, so off here. */
  #disabledFromAbove: FeatureSet = FeatureSet.NONE;

  /** As `register_netdevice`: software features are added, and with SG also software GSO. */
  constructor(declared: FeatureDeclaration, hooks: FeatureHooks = {}) {
    this.#hooks = hooks;
    const switchable = declared.hwFeatures.with(SOFT_FEATURES).with(SOFT_FEATURES_OFF).without(NEVER_CHANGE);
    this.hwFeatures = withMangleId(switchable);
    this.vlanFeatures = withMangleId(declared.vlanFeatures).with(FeatureSet.of("HIGHDMA"));
    this.hwEncFeatures = withMangleId(declared.hwEncFeatures).with(FeatureSet.of("SG", "GSO_PARTIAL"));
    this.mplsFeatures = withMangleId(declared.mplsFeatures).with(FeatureSet.of("SG"));
    this.gsoPartialFeatures = declared.gsoPartialFeatures;
    this.#active = declared.features.with(SOFT_FEATURES);
    this.#wanted = this.#active.and(this.hwFeatures);
    this.update();
  }

  /** What is on. */
  get features(): FeatureSet {
    return this.#active;
  }

  /** What is asked for, whether it can be had or not. */
  get wantedFeatures(): FeatureSet {
    return this.#wanted;
  }

  /**
   * Switches (`ethtool -K`). Answers those of `change` that did not come out as asked: fixed ones, and those that some
   * rule took away.
   */
  set(change: FeatureSet, on: boolean): FeatureSet {
    const changeable = change.and(this.hwFeatures);
    this.#wanted = on ? this.#wanted.with(changeable) : this.#wanted.without(changeable);
    this.update();
    return on ? change.without(this.#active) : change.and(this.#active);
  }

  /** An upper device (a bridge that forwards, a bond) has these switched off (`netdev_sync_lower_features`). */
  disableFromAbove(features: FeatureSet): void {
    this.#disabledFromAbove = features.and(UPPER_DISABLES);
    this.update();
  }

  /** Works out what is on (`netdev_update_features`): for when a condition of the driver's own has changed. */
  update(): void {
    // What cannot be switched stays; the rest is as wanted.
    const fixed = this.#active.without(this.hwFeatures);
    const asked = this.#hooks.fixFeatures?.(fixed.with(this.#wanted)) ?? fixed.with(this.#wanted);
    const allowed = asked.without(this.#disabledFromAbove);
    const features = fixFeatures(allowed, this.gsoPartialFeatures, this.#hooks.onFix);
    const before = this.#active;
    if (features.equals(before)) return;
    this.#hooks.setFeatures?.(features, before);
    this.#active = features;
  }
}

/** A device that splits TCP over IPv4 is assumed to be able to keep the identification fixed (`register_netdevice`). */
function withMangleId(features: FeatureSet): FeatureSet {
  return features.has("TSO") ? features.with(FeatureSet.of("TSO_MANGLEID")) : features;
}
