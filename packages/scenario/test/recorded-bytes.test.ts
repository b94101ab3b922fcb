import { createHash } from "node:crypto";
import { runScenario } from "@seville/scenario";
import { loadScenario } from "@seville/scenario/node";
import { expect, test } from "vitest";

/**
 * What the shipped scenarios put on their wires, as digests that are committed. They are the same on every machine and Node;
 * a change of behaviour shows here and is recorded on purpose: `pnpm test packages/scenario/test/recorded-bytes.test.ts -u`.
 */
test.each(["hello", "bad-network"])("R1: %s with seed 7 writes the recorded captures, byte for byte", async (name) => {
  const hashes = new Map<string, ReturnType<typeof createHash>>();
  const { run } = await runScenario((await loadScenario(name)).scenario, {
    seed: 7,
    capture(file) {
      const hash = createHash("sha256");
      hashes.set(file, hash);
      return (chunk) => void hash.update(chunk);
    },
  });
  const captures = Object.fromEntries([...hashes].map(([file, hash]) => [file, hash.digest("hex")]));
  expect({ trace: run.traceHash, captures }).toMatchSnapshot();
});
