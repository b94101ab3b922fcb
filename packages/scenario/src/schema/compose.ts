import { SevilleError } from "@seville/core";
import type { JsonSchema, ObjectDefinition, SchemaDocument } from "./json-schema.ts";
import { POINTS, type Point, type ScenarioPart } from "./part.ts";

/** Where the schema of the parts that this package ships is published. */
export const SCHEMA_ID = "https://unpkg.com/@seville/scenario/schema/scenario.schema.json";

/**
 * One schema from many parts. Keys are merged; two parts that define the same key, or a part that adds to a definition
 * that is not a {@link Point}, are the caller's mistake.
 * @throws SevilleError `ERR_SCENARIO_PART`
 */
export function composeSchema(parts: readonly ScenarioPart[]): SchemaDocument {
  const definitions = gatherDefinitions(parts);
  for (const part of parts) {
    for (const point of POINTS) {
      extend(definitions, part, point, "properties");
      extend(definitions, part, point, "choices");
    }
  }
  const finished: Record<string, JsonSchema> = {};
  for (const name of Object.keys(definitions).sort(byName)) {
    finished[name] = finish(definitions[name], definitions) as JsonSchema;
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: SCHEMA_ID,
    title: "Seville scenario",
    description: "Hosts, links, traffic and a timeline of events: a simulated network as a file.",
    $ref: "#/$defs/Scenario",
    $defs: finished,
  };
}

/** The name of the definition that a `$ref` points to. */
export function refName(ref: string): string {
  return ref.slice("#/$defs/".length);
}

type Definitions = Record<string, ObjectDefinition>;

function gatherDefinitions(parts: readonly ScenarioPart[]): Definitions {
  const owners = new Map<string, string>();
  const definitions: Definitions = {};
  for (const part of parts) {
    for (const [name, definition] of Object.entries(part.definitions ?? {})) {
      const owner = owners.get(name);
      if (owner !== undefined) throw partError(part.name, `defines ${name}, which part ${owner} defines too`);
      owners.set(name, part.name);
      definitions[name] = definition;
    }
  }
  return definitions;
}

function extend(definitions: Definitions, part: ScenarioPart, point: Point, group: "properties" | "choices"): void {
  const added = part[group]?.[point];
  if (added === undefined) return;
  const target = definitions[point];
  if (target === undefined) throw partError(part.name, `adds to ${point}, which no part defines`);
  for (const key of Object.keys(added)) {
    if (key in (target.properties ?? {}) || key in (target.choices ?? {})) {
      throw partError(part.name, `adds the key ${key} to ${point}, which has it already`);
    }
  }
  definitions[point] = { ...target, [group]: { ...target[group], ...added } };
}

/** Replaces our shorthands, `choices` and `enumOfChoices`, by keywords that every validator and editor knows. */
function finish(schema: unknown, definitions: Definitions): unknown {
  if (Array.isArray(schema)) return schema.map((item) => finish(item, definitions));
  if (typeof schema !== "object" || schema === null) return schema;
  const { choices, enumOfChoices, ...rest } = schema as ObjectDefinition;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) result[key] = finish(value, definitions);
  if (choices !== undefined) {
    const keys = Object.keys(choices);
    result["properties"] = {
      ...(result["properties"] as object | undefined),
      ...(finish(choices, definitions) as object),
    };
    result["oneOf"] = keys.map((key) => ({ required: [key] }));
  }
  if (enumOfChoices !== undefined) {
    // A bare name is a choice with all defaults: those that need a parameter have none.
    const choices = Object.entries(definitions[enumOfChoices]?.choices ?? {});
    result["enum"] = choices.filter(([, choice]) => choice.required === undefined).map(([name]) => name);
  }
  return result;
}

function partError(part: string, problem: string): SevilleError {
  return new SevilleError("ERR_SCENARIO_PART", `scenario part ${part} ${problem}`, "parts");
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
