import type { Item } from "./items.ts";

/**
 * The pseudo-code of RFC 8289 §5, transcribed name by name and as naively as it stands there: real numbers, a plain array,
 * and marking instead of dropping as §6.1 of the text leaves it to the implementer (here: as a drop that delivers).
 * It shares nothing with the code under test.
 */
export class CodelModel {
  readonly queue: { item: Item; tstamp: number }[] = [];
  readonly dropped: Item[] = [];
  first_above_time_ = 0;
  drop_next_ = 0;
  count_ = 0;
  lastcount_ = 0;
  dropping_ = false;
  readonly TARGET: number;
  readonly INTERVAL: number;
  readonly maxpacket_: number;
  readonly ecn: boolean;

  constructor(target: number, interval: number, maxpacket: number, ecn: boolean) {
    this.TARGET = target;
    this.INTERVAL = interval;
    this.maxpacket_ = maxpacket;
    this.ecn = ecn;
  }

  enque(item: Item, now: number): void {
    this.queue.push({ item, tstamp: now });
  }

  deque(now: number): Item | undefined {
    let r = this.dodequeue(now);
    if (this.dropping_) {
      if (!r.ok_to_drop) this.dropping_ = false;
      while (now >= this.drop_next_ && this.dropping_) {
        ++this.count_;
        if (this.mark(r.p!)) {
          this.drop_next_ = this.control_law(this.drop_next_, this.count_);
          break;
        }
        this.dropped.push(r.p!);
        r = this.dodequeue(now);
        if (!r.ok_to_drop) this.dropping_ = false;
        else this.drop_next_ = this.control_law(this.drop_next_, this.count_);
      }
    } else if (r.ok_to_drop) {
      if (!this.mark(r.p!)) {
        this.dropped.push(r.p!);
        r = this.dodequeue(now);
      }
      this.dropping_ = true;
      const delta = this.count_ - this.lastcount_;
      this.count_ = 1;
      if (delta > 1 && now - this.drop_next_ < 16 * this.INTERVAL) this.count_ = delta;
      this.drop_next_ = this.control_law(now, this.count_);
      this.lastcount_ = this.count_;
    }
    return r.p;
  }

  private dodequeue(now: number): { p: Item | undefined; ok_to_drop: boolean } {
    const entry = this.queue.shift();
    if (entry === undefined) {
      this.first_above_time_ = 0;
      return { p: undefined, ok_to_drop: false };
    }
    let ok_to_drop = false;
    const sojourn_time = now - entry.tstamp;
    if (sojourn_time < this.TARGET || this.bytes() <= this.maxpacket_) this.first_above_time_ = 0;
    else if (this.first_above_time_ === 0) this.first_above_time_ = now + this.INTERVAL;
    else if (now >= this.first_above_time_) ok_to_drop = true;
    return { p: entry.item, ok_to_drop };
  }

  private control_law(t: number, count: number): number {
    return t + Math.floor(this.INTERVAL / Math.sqrt(count));
  }

  bytes(): number {
    return this.ownBytes();
  }

  ownBytes(): number {
    return this.queue.reduce((sum, { item }) => sum + item.length, 0);
  }

  private mark(item: Item): boolean {
    if (!this.ecn || !item.ect) return false;
    item.ce = true;
    return true;
  }
}
