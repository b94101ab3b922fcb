import { createRandom } from "@seville/core";
import { expect, test } from "vitest";
import { exchange } from "./impaired.ts";

/** Seeds tried here; SEEDS=2000 tries more. */
const SEEDS = Number(process.env["SEEDS"] ?? 60);
/** Far more than a seed takes on a busy machine. */
const TIMEOUT_MS = 30_000 + SEEDS * 2000;

test(
  `every byte arrives once and in order, or the connection reports an error: ${SEEDS} seeds of loss, reordering, duplication and corruption`,
  () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const dice = createRandom(seed).fork("plan");
      const impairments = {
        loss: dice.bool(0.3) ? 0 : dice.float() * 0.3,
        reorder: dice.bool(0.3) ? 0 : dice.float() * 0.5,
        duplicate: dice.bool(0.5) ? 0 : dice.float() * 0.3,
        corrupt: dice.bool(0.5) ? 0 : dice.float() * 0.1,
        delay: 1_000_000 + dice.below(100_000_000),
      };
      const lengths = [dice.below(200_000), dice.below(100_000)] as const;
      const outcome = exchange(seed, impairments, lengths);
      const where = `seed ${seed} ${JSON.stringify({ impairments, lengths, outcome })}`;
      expect(outcome.intact, where).toBe(true);
      if (outcome.errors.length === 0) {
        expect(outcome.received, where).toEqual([lengths[1], lengths[0]]);
        expect(outcome.closed, where).toBe(true);
      }
    }
  },
  TIMEOUT_MS,
);
