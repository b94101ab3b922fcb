import type { HeldEvent } from "./bench.ts";

/** A priority queue from npm, with the face that the hold test needs. */
export interface PeerQueue {
  readonly name: string;
  /** Ties come out in the order in which they went in. Without it, it does less work than we do. */
  readonly stable: boolean;
  create(): { push(event: HeldEvent): void; pop(): HeldEvent };
}

function compare(x: HeldEvent, y: HeldEvent): number {
  return x.at - y.at || x.serial - y.serial;
}

interface HeapJs {
  Heap: new (compare: (x: HeldEvent, y: HeldEvent) => number) => {
    push(event: HeldEvent): void;
    pop(): HeldEvent | undefined;
  };
}

export function heapJs({ Heap }: HeapJs): PeerQueue {
  return {
    name: "heap-js",
    stable: true,
    create() {
      const heap = new Heap(compare);
      return { push: (event) => heap.push(event), pop: () => heap.pop() as HeldEvent };
    },
  };
}

type TinyQueue = new (
  items: HeldEvent[],
  compare: (x: HeldEvent, y: HeldEvent) => number,
) => { push(event: HeldEvent): void; pop(): HeldEvent | undefined };

export function tinyQueue({ default: Queue }: { default: TinyQueue }): PeerQueue {
  return {
    name: "tinyqueue",
    stable: true,
    create() {
      const queue = new Queue([], compare);
      return { push: (event) => queue.push(event), pop: () => queue.pop() as HeldEvent };
    },
  };
}

type FastPriorityQueue = new (isBefore: (x: HeldEvent, y: HeldEvent) => boolean) => {
  add(event: HeldEvent): void;
  poll(): HeldEvent | undefined;
};

export function fastPriorityQueue(Queue: FastPriorityQueue): PeerQueue {
  return {
    name: "fastpriorityqueue",
    stable: true,
    create() {
      const queue = new Queue((x, y) => compare(x, y) < 0);
      return { push: (event) => queue.add(event), pop: () => queue.poll() as HeldEvent };
    },
  };
}

type FlatQueue = new () => { push(item: HeldEvent, value: number): void; pop(): HeldEvent | undefined };

/** Numbers as priorities, in arrays: the fastest of them, but ties come out in any order. */
export function flatQueue({ default: Queue }: { default: FlatQueue }): PeerQueue {
  return {
    name: "flatqueue (unstable)",
    stable: false,
    create() {
      const queue = new Queue();
      return { push: (event) => queue.push(event, event.at), pop: () => queue.pop() as HeldEvent };
    },
  };
}

interface Datastructures {
  PriorityQueue: new (compare: (x: HeldEvent, y: HeldEvent) => number) => {
    enqueue(event: HeldEvent): unknown;
    dequeue(): HeldEvent | null;
  };
}

export function datastructures({ PriorityQueue }: Datastructures): PeerQueue {
  return {
    name: "@datastructures-js",
    stable: true,
    create() {
      const queue = new PriorityQueue(compare);
      return { push: (event) => void queue.enqueue(event), pop: () => queue.dequeue() as HeldEvent };
    },
  };
}
