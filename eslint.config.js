import tseslint from "typescript-eslint";

/** The floors of the house: a package imports from lower floors only (plus the named exceptions). */
const FLOORS = [
  ["core", "checksum", "packet"],
  ["queueing", "congestion"],
  ["sim", "tunnel-encap", "tso", "tcp", "vrf", "netlink"],
  ["netdev"],
  ["stack", "host-link"],
  [],
  ["scenario", "report"],
  ["cli"],
];
const EXCEPTIONS = { checksum: ["core"], packet: ["core", "checksum"], report: ["scenario"] };

const SANS_IO = 'a package is told the time and given its randomness (README of @seville/core, "Sans-IO")';
const PORTABLE = "engines of JavaScript differ in its last bit: take it from @seville/core";
/** These packages are where the world comes in. */
const OUTSIDE = [
  "packages/host-link/**",
  "packages/cli/**",
  "packages/*/src/node/**",
  "packages/*/src/node.ts",
  "packages/*/src/vitest/**",
];

function floorRules() {
  return FLOORS.flatMap((names, floor) =>
    names.map((name) => {
      const allowed = new Set([...FLOORS.slice(0, floor).flat(), ...(EXCEPTIONS[name] ?? []), name]);
      const forbidden = FLOORS.flat().filter((other) => !allowed.has(other));
      return {
        files: [`packages/${name}/src/**/*.ts`],
        rules: {
          "no-restricted-imports": [
            "error",
            {
              patterns: [
                {
                  regex: `^@seville/(${forbidden.join("|") || "-"})($|/)`,
                  message: 'imports point to lower floors only (CONTRIBUTING.md, "The house")',
                },
              ],
            },
          ],
        },
      };
    }),
  );
}

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/node_modules/**",
      "**/*.generated.ts",
      "packages/*/assembly/**",
      "**/*.mjs",
      "**/*.js",
      "coverage/**",
      "packages/*/test/fixtures/**",
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // Reading typed arrays in bounds is the daily bread here; `as number` says so.
      "@typescript-eslint/no-non-null-assertion": "error",
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["packages/*/src/**/*.ts"],
    ignores: OUTSIDE,
    rules: {
      "no-restricted-globals": [
        "error",
        ...[
          "Date",
          "performance",
          "setTimeout",
          "setInterval",
          "setImmediate",
          "queueMicrotask",
          "fetch",
          "process",
        ].map((name) => ({ name, message: SANS_IO })),
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: SANS_IO },
        { object: "crypto", property: "getRandomValues", message: SANS_IO },
        ...[
          "log",
          "log2",
          "log10",
          "log1p",
          "exp",
          "expm1",
          "pow",
          "sin",
          "cos",
          "tan",
          "atan",
          "atan2",
          "cbrt",
          "hypot",
          "sinh",
          "cosh",
          "tanh",
          "asin",
          "acos",
        ].map((property) => ({ object: "Math", property, message: PORTABLE })),
      ],
    },
  },
  ...floorRules(),
  {
    files: ["**/test/**/*.ts", "tools/**/*.ts", "packages/cli/**/*.ts"],
    rules: { "no-console": "off", "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
