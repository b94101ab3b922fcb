import { invalidArgument } from "@seville/core";
import { bitOf, FEATURE_NAMES, FEATURE_TABLE, type FeatureName } from "./bits.ts";

/**
 * A set of device features (`netdev_features_t`): 64 bits, kept as two 32-bit words because JavaScript's bitwise
 * operators end there and a bigint would cost an allocation for each.
 *
 * Sets never change. An operation that changes nothing answers the set itself, so the ordinary packet, from which no
 * feature is taken away, allocates none.
 */
export class FeatureSet {
  /** Bits 0 to 31. */
  readonly low: number;
  /** Bits 32 to 63. */
  readonly high: number;

  private constructor(low: number, high: number) {
    this.low = low | 0;
    this.high = high | 0;
  }

  /** The empty set. (A getter: bundlers were seen to evaluate a static field that names its own class too early.) */
  static get NONE(): FeatureSet {
    return empty;
  }

  /** The set of these features. */
  static of(...names: readonly FeatureName[]): FeatureSet {
    let low = 0;
    let high = 0;
    for (const name of names) {
      if (!(name in FEATURE_TABLE)) throw invalidArgument("feature", "a name of FEATURE_TABLE", name);
      const bit = bitOf(name);
      if (bit < 32) low |= 1 << bit;
      else high |= 1 << (bit - 32);
    }
    return new FeatureSet(low, high);
  }

  /** The set whose bits are those of the two words. */
  static fromWords(low: number, high: number): FeatureSet {
    return new FeatureSet(low, high);
  }

  get isEmpty(): boolean {
    return (this.low | this.high) === 0;
  }

  has(name: FeatureName): boolean {
    const bit = bitOf(name);
    return bit < 32 ? (this.low & (1 << bit)) !== 0 : (this.high & (1 << (bit - 32))) !== 0;
  }

  /** Whether all of `other` are in it. */
  hasAll(other: FeatureSet): boolean {
    return (this.low & other.low) === other.low && (this.high & other.high) === other.high;
  }

  /** Whether one of `other` is in it. */
  hasAny(other: FeatureSet): boolean {
    return ((this.low & other.low) | (this.high & other.high)) !== 0;
  }

  with(other: FeatureSet): FeatureSet {
    return this.#become(this.low | other.low, this.high | other.high);
  }

  without(other: FeatureSet): FeatureSet {
    return this.#become(this.low & ~other.low, this.high & ~other.high);
  }

  and(other: FeatureSet): FeatureSet {
    return this.#become(this.low & other.low, this.high & other.high);
  }

  /** Those that are in one of the two only. */
  xor(other: FeatureSet): FeatureSet {
    return this.#become(this.low ^ other.low, this.high ^ other.high);
  }

  equals(other: FeatureSet): boolean {
    return this.low === other.low && this.high === other.high;
  }

  /** The names, in the order of the bits. */
  names(): FeatureName[] {
    return FEATURE_NAMES.filter((name) => this.has(name));
  }

  toString(): string {
    return this.names().join(" ");
  }

  toJSON(): FeatureName[] {
    return this.names();
  }

  #become(low: number, high: number): FeatureSet {
    return low === this.low && high === this.high ? this : new FeatureSet(low, high);
  }
}

const empty = FeatureSet.fromWords(0, 0);
