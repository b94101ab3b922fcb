/**
 * Values and their numbers: equal values (`===`; NaN equals NaN) share one, so that neighbouring prefixes of one next hop become one entry of a
 * compiled table. A number is free again when the last prefix with it goes.
 */
export class ValueTable<V> {
  /** By number; 0 is "none". */
  readonly values: (V | undefined)[] = [undefined];
  readonly #users: number[] = [0];
  readonly #numbers = new Map<V, number>();
  readonly #free: number[] = [];

  /** How many different values there are. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The number of `value`, for one more user. */
  take(value: V): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) {
      this.#users[known] = (this.#users[known] as number) + 1;
      return known;
    }
    const number = this.#free.pop() ?? this.values.length;
    this.values[number] = value;
    this.#users[number] = 1;
    this.#numbers.set(value, number);
    return number;
  }

  /** One user of `number` less. */
  release(number: number): void {
    const left = (this.#users[number] as number) - 1;
    this.#users[number] = left;
    if (left > 0) return;
    this.#numbers.delete(this.values[number] as V);
    this.values[number] = undefined;
    this.#free.push(number);
  }
}
