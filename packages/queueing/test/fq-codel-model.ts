import { CodelModel } from "./codel-model.ts";
import type { Item } from "./items.ts";

/**
 * RFC 8290 §4 in words turned into arrays: new and old lists of queues with credits, one naive CoDel each, and the drop from
 * the fattest queue. Shares nothing with the code under test.
 */
export class FqCodelModel {
  readonly queues: { codel: CodelModel; credits: number }[];
  newList: number[] = [];
  oldList: number[] = [];
  readonly overlimit: Item[] = [];
  readonly quantum: number;
  readonly limit: number;
  readonly batch: number;

  constructor(flows: number, quantum: number, limit: number, batch: number, target: number, interval: number) {
    this.quantum = quantum;
    this.limit = limit;
    this.batch = batch;
    // All queues' bytes together decide whether there is a standing queue, as in Linux.
    const total = () => this.queues.reduce((sum, { codel }) => sum + codel.ownBytes(), 0);
    this.queues = Array.from({ length: flows }, () => ({
      codel: Object.assign(new CodelModel(target, interval, 1514, true), { bytes: total }),
      credits: 0,
    }));
  }

  enqueue(item: Item, hash: number, now: number): void {
    const index = Math.floor((hash * this.queues.length) / 2 ** 32);
    const queue = this.queues[index]!;
    queue.codel.enque(item, now);
    if (!this.newList.includes(index) && !this.oldList.includes(index)) {
      this.newList.push(index);
      queue.credits = this.quantum;
    }
    if (this.packets() > this.limit) this.dropFromFattest();
  }

  dequeue(now: number): Item | undefined {
    for (;;) {
      const list = this.newList.length > 0 ? this.newList : this.oldList;
      const index = list[0];
      if (index === undefined) return undefined;
      const queue = this.queues[index]!;
      if (queue.credits <= 0) {
        queue.credits += this.quantum;
        list.shift();
        this.oldList.push(index);
        continue;
      }
      const item = queue.codel.deque(now);
      if (item !== undefined) {
        queue.credits -= item.length;
        return item;
      }
      list.shift();
      if (list === this.newList && this.oldList.length > 0) this.oldList.push(index);
    }
  }

  dropped(): Item[] {
    return [...this.queues.flatMap(({ codel }) => codel.dropped), ...this.overlimit];
  }

  private packets(): number {
    return this.queues.reduce((sum, { codel }) => sum + codel.queue.length, 0);
  }

  private dropFromFattest(): void {
    const fattest = this.queues.reduce((best, queue) =>
      queue.codel.ownBytes() > best.codel.ownBytes() ? queue : best,
    );
    const half = fattest.codel.ownBytes() / 2;
    let bytes = 0;
    let packets = 0;
    do {
      const { item } = fattest.codel.queue.shift()!;
      this.overlimit.push(item);
      bytes += item.length;
      packets++;
    } while (packets < this.batch && bytes < half);
    fattest.codel.count_ += packets;
  }
}
