import { FeatureSet } from "./feature-set.ts";
import { fixFeatures, type FeatureFix } from "./fix-features.ts";
import {
  NETIF_F_LRO,
  NETIF_F_NOCACHE_COPY,
  NETIF_F_TSO_MANGLEID,
  NEVER_CHANGE,
  SOFT_FEATURES,
  SOFT_FEATURES_OFF,
  UPPER_DISABLES,
} from "./flags.ts";

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
  /**
   * Features that take liberties with the inner IPv4 identification (`mangleid_features`), beside TSO_MANGLEID, which
   * always does. Default: none.
   */
  readonly mangleidFeatures?: FeatureSet;
  /** It is the loopback device, which copies nothing from users: NOCACHE_COPY cannot be switched. Default: no. */
  readonly loopback?: boolean;
}

/** What a driver answers when it is told its new features. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- most drivers have nothing to answer
export type SetFeaturesResult = void | "failed";

/** What a driver may have a say in. */
export interface FeatureHooks {
  /** `ndo_fix_features`: dependencies of this device's own, before the general ones. */
  fixFeatures?(features: FeatureSet): FeatureSet;
  /**
   * `ndo_set_features`: `features` are on from now on; `before` are still in the device. A driver whose hardware did not
   * follow answers `"failed"`: everything stays as it was.
   */
  setFeatures?: (features: FeatureSet, before: FeatureSet) => SetFeaturesResult;
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
  readonly mangleidFeatures: FeatureSet;
  readonly #hooks: FeatureHooks;
  #active: FeatureSet;
  #wanted: FeatureSet;
  /** Of an upper device: switched off there, so off here. */
  #disabledFromAbove: FeatureSet = FeatureSet.NONE;

  /**
   * As `register_netdevice`, in its order: software features are added, then what is on and can be switched is wanted, then
   * more is made switchable. So TSO_MANGLEID and NOCACHE_COPY begin off, even if the driver says that they are on.
   */
  constructor(declared: FeatureDeclaration, hooks: FeatureHooks = {}) {
    this.#hooks = hooks;
    const switchable = declared.hwFeatures.with(SOFT_FEATURES).with(SOFT_FEATURES_OFF).without(NEVER_CHANGE);
    this.#active = declared.features.with(SOFT_FEATURES);
    this.#wanted = this.#active.and(switchable);
    const copying = declared.loopback === true ? FeatureSet.NONE : NETIF_F_NOCACHE_COPY;
    this.hwFeatures = withMangleId(switchable.with(copying));
    this.vlanFeatures = withMangleId(declared.vlanFeatures).with(FeatureSet.of("HIGHDMA"));
    this.hwEncFeatures = withMangleId(declared.hwEncFeatures).with(FeatureSet.of("SG", "GSO_PARTIAL"));
    this.mplsFeatures = withMangleId(declared.mplsFeatures).with(FeatureSet.of("SG"));
    this.gsoPartialFeatures = declared.gsoPartialFeatures;
    this.mangleidFeatures = (declared.mangleidFeatures ?? FeatureSet.NONE).with(NETIF_F_TSO_MANGLEID);
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

  /**
   * An upper device (a bond, a bridge) has these switched off: they go off here, and cannot be switched on before the upper
   * device lets them (`netdev_sync_lower_features`, `netdev_sync_upper_features`). As in Linux they are not wanted any more
   * either, so they do not come back by themselves.
   */
  disableFromAbove(features: FeatureSet): void {
    this.#disabledFromAbove = features.and(UPPER_DISABLES);
    this.#wanted = this.#wanted.without(this.#disabledFromAbove.and(this.#active));
    this.update();
  }

  /**
   * Switches LRO off for good (`dev_disable_lro`): whoever forwards or bridges what this device receives calls it, for what
   * LRO merged cannot be taken apart again (S15). Answers whether it is off; a device where LRO is fixed keeps it.
   */
  disableLro(): boolean {
    this.#wanted = this.#wanted.without(NETIF_F_LRO);
    this.update();
    return !this.#active.has("LRO");
  }

  /**
   * Works out what is on (`__netdev_update_features`): for when a condition of the driver's own has changed. First the
   * driver's rules, then the general ones, then those of the upper device.
   */
  update(): void {
    // What cannot be switched stays; the rest is as wanted.
    const wanted = this.#active.without(this.hwFeatures).with(this.#wanted);
    const asked = this.#hooks.fixFeatures?.(wanted) ?? wanted;
    const fixed = fixFeatures(asked, this.gsoPartialFeatures, this.#hooks.onFix);
    const features = fixed.without(this.#disabledFromAbove);
    const before = this.#active;
    if (features.equals(before)) return;
    if (this.#hooks.setFeatures?.(features, before) === "failed") return;
    this.#active = features;
  }
}

/** A device that splits TCP over IPv4 is assumed to be able to keep the identification fixed (`register_netdevice`). */
function withMangleId(features: FeatureSet): FeatureSet {
  return features.has("TSO") ? features.with(FeatureSet.of("TSO_MANGLEID")) : features;
}
