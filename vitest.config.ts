import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const source = "@seville/source";

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/*/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "tools/bench/node_modules/**"],
    reporters: ["default", "./tools/testing/reporter.ts"],
    testTimeout: 30_000,
    // Two cores, and tests that boot kernels or measure latency: no more workers than that.
    maxWorkers: 2,
  },
});
