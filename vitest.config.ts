import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const source = "@seville/source";

const TESTS = ["packages/*/test/**/*.test.ts", "tools/*/test/**/*.test.ts"];
const ALONE = "**/test/**/*.alone.test.ts";
const EXCLUDED = ["**/node_modules/**"];

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    reporters: ["default", "./tools/testing/reporter.ts"],
    testTimeout: 30_000,
    setupFiles: ["./tools/testing/setup.ts"],
    // Two cores, and tests that boot kernels or measure latency: no more workers than that.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: "all", include: TESTS, exclude: [...EXCLUDED, ALONE], sequence: { groupOrder: 0 } },
      },
      // Those that measure real time have the machine to themselves, after all others.
      {
        extends: true,
        test: { name: "alone", include: [ALONE], exclude: EXCLUDED, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
