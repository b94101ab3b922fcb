import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { composeSchema, PARTS, validateScenario, type ScenarioPart, type SchemaDocument } from "@seville/scenario";
import { shippedScenarios } from "@seville/scenario/node";
import { schemaFiles } from "../../../tools/scenario-schema/generate.ts";

const NETWORK = {
  name: "parts",
  hosts: { a: { interfaces: { eth0: {} } }, b: { interfaces: { eth0: {} } } },
  links: { l: { between: ["a:eth0", "b:eth0"] } },
};

const EMPTY_RUNTIME = (): Promise<object> => Promise.resolve({});

describe("S1: what is published is what is checked", () => {
  test("schema, TypeScript types and reference are made from the parts as they are now", async () => {
    for (const [path, contents] of await schemaFiles()) {
      const file = readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
      expect(file, `${path}: run pnpm --filter @seville/scenario schema`).toBe(contents);
    }
  });

  test("it is JSON Schema of draft 2020-12, in keywords that every validator knows (but for three annotations)", () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
    for (const keyword of ["expected", "tsType"]) ajv.addKeyword(keyword);
    expect(ajv.validateSchema(composeSchema(PARTS))).toBe(true);
    expect(() => ajv.compile(composeSchema(PARTS))).not.toThrow();
  });

  test("every key has a description, for editors", () => {
    const missing: string[] = [];
    const look = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      const { properties } = node as { properties?: Record<string, { description?: string }> };
      for (const [key, property] of Object.entries(properties ?? {})) {
        if (property.description === undefined) missing.push(`${path}.${key}`);
      }
      for (const [key, child] of Object.entries(node)) look(child, `${path}.${key}`);
    };
    look(composeSchema(PARTS).$defs, "$defs");
    expect(missing).toEqual([]);
  });

  test("every $ref leads somewhere, and every definition is used", () => {
    const document = composeSchema(PARTS);
    const refs = new Set([...JSON.stringify(document).matchAll(/"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name));
    expect([...refs].sort()).toEqual(Object.keys(document.$defs).sort());
  });

  test("every shipped scenario fits it, names its schema in the first line, and is named as its file", async () => {
    const shipped = await shippedScenarios();
    expect(shipped.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["bad-network", "hello", "real-traffic", "replay"]),
    );
    for (const { name, file, description } of shipped) {
      const [first] = readFileSync(file, "utf8").split("\n");
      expect(first).toBe("# yaml-language-server: $schema=../schema/scenario.schema.json");
      expect(readFileSync(file, "utf8")).toContain(`\nname: ${name}\n`);
      expect(description.length).toBeGreaterThan(30);
    }
  });
});

describe("S2: a package adds its part as plain data", () => {
  const tunnels: ScenarioPart = {
    name: "tunnels",
    definitions: {
      Vxlan: {
        type: "object",
        additionalProperties: false,
        required: ["vni"],
        properties: { vni: { type: "integer", minimum: 0, maximum: 16777215, description: "VNI." } },
      },
    },
    properties: { Interface: { vxlan: { $ref: "#/$defs/Vxlan", description: "A VXLAN device." } } },
    choices: { Event: { flap: { type: "string", description: "Flaps." } } },
    check(scenario, report) {
      for (const [name, host] of Object.entries(scenario.hosts)) {
        if (host.kind === "router") report.error(["hosts", name, "kind"], "no routers here");
      }
    },
    load: EMPTY_RUNTIME,
  };

  test("its keys are known and checked where it adds them", () => {
    const scenario = { ...NETWORK, hosts: { ...NETWORK.hosts, c: { interfaces: { vx: { vxlan: { vni: 5 } } } } } };
    expect(validateScenario(scenario, { parts: [tunnels] }).problems).toEqual([]);
    expect(validateScenario(scenario).problems.map(({ message }) => message)).toEqual(["unknown key vxlan"]);
    const wrong = { ...NETWORK, hosts: { ...NETWORK.hosts, c: { interfaces: { vx: { vxlan: { vni: -1 } } } } } };
    expect(validateScenario(wrong, { parts: [tunnels] }).problems).toHaveLength(1);
  });

  test("its choices exclude the others", () => {
    const both = { ...NETWORK, timeline: [{ at: "1s", flap: "x", down: "l" }] };
    const messages = validateScenario(both, { parts: [tunnels] }).problems.map(({ message }) => message);
    expect(messages).toEqual(["has down and flap, which exclude each other"]);
  });

  test("its own checks speak in the same report", () => {
    const scenario = { ...NETWORK, hosts: { ...NETWORK.hosts, r: { kind: "router" } } };
    const { problems } = validateScenario(scenario, { parts: [tunnels] });
    expect(problems).toEqual([{ severity: "error", path: ["hosts", "r", "kind"], message: "no routers here" }]);
  });

  test("two parts with the same key, or a key at no point, are refused by name", () => {
    const compose = (...more: ScenarioPart[]): SchemaDocument => composeSchema([...PARTS, ...more]);
    const claim = (part: Partial<ScenarioPart>): ScenarioPart => ({ name: "other", load: EMPTY_RUNTIME, ...part });
    expect(() => compose(claim({ properties: { Host: { kind: {} } } }))).toThrow(
      /part other adds the key kind to Host/,
    );
    expect(() => compose(claim({ definitions: { Link: {} } }))).toThrow(
      /part other defines Link, which part base defines/,
    );
    expect(() => compose(tunnels, claim({ choices: { Event: { flap: {} } } }))).toThrow(/adds the key flap to Event/);
    expect(() => composeSchema([claim({ choices: { Event: { flap: {} } } })])).toThrow(
      /adds to Event, which no part defines/,
    );
  });
});
