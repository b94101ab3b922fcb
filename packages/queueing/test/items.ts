import type { DropReason } from "@seville/core";
import type { QueueAccess } from "../src/index.ts";

/** What the tests queue. */
export interface Item {
  readonly id: number;
  readonly flow: number;
  readonly length: number;
  /** ECN-capable transport. */
  readonly ect: boolean;
  ce: boolean;
}

let nextId = 0;

export function item(fields: Partial<Item> = {}): Item {
  return { id: nextId++, flow: 0, length: 1000, ect: false, ce: false, ...fields };
}

export interface TestAccess extends QueueAccess<Item> {
  readonly dropped: { readonly item: Item; readonly reason: DropReason }[];
  readonly droppedIds: number[];
}

/** Reads items, and writes down what is dropped. */
export function testAccess(): TestAccess {
  const dropped: { item: Item; reason: DropReason }[] = [];
  const droppedIds: number[] = [];
  return {
    dropped,
    droppedIds,
    length: (one) => one.length,
    flowHash: (one) => Math.imul(one.flow, 0x9e37_79b1) >>> 0,
    markCe(one) {
      if (one.ect) one.ce = true;
      return one.ect;
    },
    onDrop(one, reason) {
      dropped.push({ item: one, reason });
      droppedIds.push(one.id);
    },
  };
}
