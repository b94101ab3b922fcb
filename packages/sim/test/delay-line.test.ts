import { PacketPool, type Packet } from "@seville/packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DelayLine } from "../src/delay-line.ts";

const pool = new PacketPool({ small: 512, jumbo: 0, super: 0 });

test("L5 what is in flight comes out by time of arrival, then by order of departure", () => {
  const push = fc.record({
    push: fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(1_000_000) }),
  });
  const operations = fc.array(
    fc.oneof({ weight: 3, arbitrary: push }, { weight: 1, arbitrary: fc.constant("shift" as const) }),
    { maxLength: 200, size: "max" },
  );
  fc.assert(
    fc.property(operations, (list) => {
      const line = new DelayLine();
      const naive: { frame: Packet; arrival: number; sequence: number }[] = [];
      let sequence = 0;
      const shift = (): void => {
        const first = naive.toSorted((x, y) => x.arrival - y.arrival || x.sequence - y.sequence)[0];
        expect(line.nextArrival).toBe(first?.arrival ?? Infinity);
        if (first === undefined) return;
        naive.splice(naive.indexOf(first), 1);
        expect(line.shift()).toBe(first.frame);
        expect(line.sequence).toBe(first.sequence);
        first.frame.release();
      };
      for (const operation of list) {
        if (operation === "shift") {
          shift();
          continue;
        }
        const frame = pool.alloc(10)!;
        line.push(frame, operation.push, sequence);
        naive.push({ frame, arrival: operation.push, sequence: sequence++ });
        expect(line.size).toBe(naive.length);
      }
      while (naive.length > 0) shift();
      expect(line.size).toBe(0);
    }),
  );
  expect(pool.stats.inUse).toBe(0);
});
