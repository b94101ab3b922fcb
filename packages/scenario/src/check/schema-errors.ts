import type { ErrorObject } from "ajv";
import { refName } from "../schema/compose.ts";
import type { JsonSchema, SchemaDocument } from "../schema/json-schema.ts";
import { suggestion } from "./did-you-mean.ts";

/** One finding, in our words: where, what, and what to do. */
export interface SchemaFinding {
  readonly path: readonly (string | number)[];
  /** The finding concerns the key, not what it holds. */
  readonly atKey: boolean;
  readonly message: string;
  readonly hint?: string;
}

/**
 * Turns a validator's errors into one sentence for each mistake. A validator reports every branch that failed; whoever
 * wrote the file meant one of them.
 */
export function explain(errors: readonly ErrorObject[], document: SchemaDocument, root: unknown): SchemaFinding[] {
  const alternatives = errors.filter((error) => error.keyword === "anyOf");
  const findings: SchemaFinding[] = [];
  const seen = new Set<string>();
  for (const error of errors) {
    const finding = explainOne(error, document, root, alternatives);
    if (finding === undefined) continue;
    const key = JSON.stringify([finding.path, finding.message]);
    if (seen.has(key)) continue;
    seen.add(key);
    findings.push(finding);
  }
  return findings;
}

function explainOne(
  error: ErrorObject,
  document: SchemaDocument,
  root: unknown,
  alternatives: readonly ErrorObject[],
): SchemaFinding | undefined {
  const path = pathOf(error.instancePath, root);
  const parent = (error.parentSchema ?? {}) as JsonSchema;
  const params = error.params as Record<string, unknown>;
  const at = (
    message: string,
    hint?: string,
    extra: readonly (string | number)[] = [],
    atKey = false,
  ): SchemaFinding => ({
    path: [...path, ...extra],
    atKey,
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  const isAlternative = alternatives.some((other) => other.instancePath === error.instancePath);
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      return at(`unknown key ${key}`, suggestion(key, Object.keys(parent.properties ?? {})), [key], true);
    }
    case "required":
      if (error.schemaPath.includes("/oneOf/")) return undefined;
      return at(`${String(params["missingProperty"])} is missing`, undefined, [], true);
    case "oneOf":
      return explainChoice(error, parent, at);
    case "anyOf": {
      const branches = (parent.anyOf ?? []).map((branch) => resolve(branch, document));
      if (branches.some((branch) => hasType(branch, error.data))) return undefined;
      return at(`must be ${branches.map((branch) => expectation(branch)).join(", or ")}; received ${show(error.data)}`);
    }
    case "propertyNames":
      return undefined; // the error of the name itself comes with it
    case "pattern":
      if (error.propertyName !== undefined) {
        return at(`${error.propertyName} must be ${expectation(parent)}`, undefined, [error.propertyName], true);
      }
      return at(`must be ${expectation(parent)}; received ${show(error.data)}`);
    case "type":
      if (isAlternative) return undefined; // the branch of an anyOf that was not meant
      return at(`must be ${expectation(parent)}; received ${show(error.data)}`);
    case "enum": {
      if (typeof error.data !== "string" && isAlternative) return undefined;
      const values = (parent.enum ?? []).map(String);
      const hint = typeof error.data === "string" ? suggestion(error.data, values) : undefined;
      const known = `must be ${oneOfWords(values)}; received ${show(error.data)}`;
      return at(known, hint?.startsWith("did") === true ? hint : undefined);
    }
    case "uniqueItems":
      return at(`holds ${show((error.data as unknown[])[Number(params["i"])])} twice`, undefined, [
        Number(params["i"]),
      ]);
    default:
      return at(`${error.message ?? "is not valid"}; received ${show(error.data)}`);
  }
}

function explainChoice(
  error: ErrorObject,
  parent: JsonSchema,
  at: (message: string, hint?: string, extra?: readonly (string | number)[], atKey?: boolean) => SchemaFinding,
): SchemaFinding | undefined {
  const choices = (parent.oneOf ?? []).map((branch) => branch.required?.[0] ?? "");
  const data = error.data;
  if (typeof data !== "object" || data === null) return undefined;
  const present = choices.filter((choice) => choice in data);
  if (present.length > 1)
    return at(`has ${present.join(" and ")}, which exclude each other`, undefined, [present[1] ?? ""], true);
  // An unknown key was meant as the choice: that finding says it better.
  const known = new Set(Object.keys(parent.properties ?? {}));
  if (Object.keys(data).some((key) => !known.has(key))) return undefined;
  return at(`needs ${choices.length === 1 ? "" : "one of "}${choices.join(", ")}`, undefined, [], true);
}

function resolve(schema: JsonSchema, document: SchemaDocument): JsonSchema {
  return schema.$ref === undefined ? schema : (document.$defs[refName(schema.$ref)] ?? {});
}

function hasType(schema: JsonSchema, data: unknown): boolean {
  switch (schema.type) {
    case "array":
      return Array.isArray(data);
    case "object":
      return typeof data === "object" && data !== null && !Array.isArray(data);
    case "integer":
      return Number.isInteger(data);
    default:
      return typeof data === schema.type;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: "a map",
  array: "a list",
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function expectation(schema: JsonSchema): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.enum !== undefined) return oneOfWords(schema.enum.map(String));
  if (schema.type === "object" && schema.properties !== undefined) {
    return `a map with ${Object.keys(schema.properties).slice(0, 6).join(", ")}`;
  }
  return TYPE_WORDS[schema.type ?? ""] ?? "something else";
}

function oneOfWords(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? "") : `one of ${words.join(", ")}`;
}

function show(data: unknown): string {
  if (Array.isArray(data)) return "a list";
  if (data === null || data === undefined) return "nothing";
  if (typeof data === "object") return "a map";
  const text = JSON.stringify(data);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

/** A JSON pointer as keys, and as numbers where it leads through lists. */
function pathOf(pointer: string, root: unknown): (string | number)[] {
  let node: unknown = root;
  return pointer
    .split("/")
    .slice(1)
    .map((raw) => {
      const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
      const step = Array.isArray(node) ? Number(key) : key;
      node = (node as Record<string | number, unknown>)[step];
      return step;
    });
}
