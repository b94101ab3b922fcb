/** What was judged how often: rows are truths, columns labels. */
export class Confusion {
  readonly #cells = new Map<string, number>();

  add(truth: string, label: string): void {
    const key = `${truth}>${label}`;
    this.#cells.set(key, this.at(truth, label) + 1);
  }

  at(truth: string, label: string): number {
    return this.#cells.get(`${truth}>${label}`) ?? 0;
  }

  /** Episodes with this truth. */
  of(truth: string): number {
    return LABELS.reduce((sum, label) => sum + this.at(truth, label), 0);
  }

  /** Share of the episodes with this truth that were labelled so. */
  recall(truth: string): number {
    return this.at(truth, truth) / this.of(truth);
  }

  get total(): number {
    return LABELS.reduce((sum, truth) => sum + this.of(truth), 0);
  }

  get accuracy(): number {
    return LABELS.reduce((sum, label) => sum + this.at(label, label), 0) / this.total;
  }

  /** What guessing by the frequencies of the causes would have right. */
  get chance(): number {
    return LABELS.reduce((sum, truth) => sum + (this.of(truth) / this.total) ** 2, 0);
  }

  toString(): string {
    const width = 16;
    const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(width)).join("");
    const rows = LABELS.map((truth) =>
      line([
        truth,
        ...LABELS.map((label) => String(this.at(truth, label))),
        `${(100 * this.recall(truth)).toFixed(1)} %`,
      ]),
    );
    return [line(["truth \\ label", ...LABELS, "right"]), ...rows].join("\n");
  }

  toJson(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      LABELS.map((truth) => [truth, Object.fromEntries(LABELS.map((label) => [label, this.at(truth, label)]))]),
    );
  }
}

export const LABELS = ["queue-overflow", "policer", "random", "filtered", "mixed"] as const;
