import { refName } from "../../packages/scenario/src/schema/compose.ts";
import type { JsonSchema, SchemaDocument } from "../../packages/scenario/src/schema/json-schema.ts";

/**
 * TypeScript types of a composed scenario schema: an interface per object, so that packages can augment them, and
 * `ExactlyOne` where exactly one of several keys must be there.
 */
export function renderTypes(document: SchemaDocument): string {
  const out: string[] = [
    "// Made from the schema by `pnpm --filter @seville/scenario schema`; a test holds the two equal.",
    "",
    "/** Exactly one of the keys of `Choices`. */",
    "export type ExactlyOne<Choices> = {",
    "  [Key in keyof Choices]: { readonly [K in Key]: Choices[K] } & {",
    "    readonly [Other in Exclude<keyof Choices, Key>]?: never;",
    "  };",
    "}[keyof Choices];",
    "",
  ];
  for (const [name, schema] of Object.entries(document.$defs)) new Renderer(out).definition(name, schema);
  return `${out.join("\n")}\n`;
}

class Renderer {
  readonly #out: string[];
  readonly #later: [string, JsonSchema][] = [];

  constructor(out: string[]) {
    this.#out = out;
  }

  definition(name: string, schema: JsonSchema): void {
    this.#comment(schema, "");
    if (schema.type === "object" && schema.properties !== undefined) this.#object(name, schema);
    else this.#out.push(`export type ${name} = ${this.#type(name, schema)};`, "");
    for (const [nestedName, nested] of this.#later.splice(0)) new Renderer(this.#out).definition(nestedName, nested);
  }

  #object(name: string, schema: JsonSchema): void {
    const choices = new Set((schema.oneOf ?? []).map((branch) => branch.required?.[0] ?? ""));
    if (choices.size === 0) {
      this.#interface(name, name, schema, (key) => !choices.has(key));
      return;
    }
    this.#out.push(`export type ${name} = ${name}Common & ExactlyOne<${name}Choices>;`, "");
    this.#interface(name, `${name}Common`, schema, (key) => !choices.has(key));
    const all = { ...schema, required: [...choices] };
    this.#interface(name, `${name}Choices`, all, (key) => choices.has(key));
  }

  #interface(owner: string, name: string, schema: JsonSchema, keep: (key: string) => boolean): void {
    const keys = Object.entries(schema.properties ?? {}).filter(([key]) => keep(key));
    if (keys.length === 0) {
      this.#out.push("// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- parts may add keys");
      this.#out.push(`export interface ${name} {}`, "");
      return;
    }
    this.#out.push(`export interface ${name} {`);
    for (const [key, property] of keys) {
      this.#comment(property, "  ");
      const optional = schema.required?.includes(key) === true ? "" : "?";
      const name = /^\w+$/.test(key) ? key : JSON.stringify(key);
      this.#out.push(`  readonly ${name}${optional}: ${this.#type(owner + capitalised(key), property)};`);
    }
    this.#out.push("}", "");
  }

  #type(name: string, schema: JsonSchema): string {
    if (schema.tsType !== undefined) return schema.tsType;
    if (schema.$ref !== undefined) return refName(schema.$ref);
    if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.anyOf !== undefined) return schema.anyOf.map((branch) => this.#type(name, branch)).join(" | ");
    switch (schema.type) {
      case "integer":
      case "number":
        return "number";
      case "array":
        return `readonly ${bracketed(this.#type(`${name}Item`, schema.items ?? {}))}[]`;
      case "object":
        return this.#objectType(name, schema);
      case "string":
      case "boolean":
        return schema.type;
      default:
        throw new Error(`${name} has no type`);
    }
  }

  #objectType(name: string, schema: JsonSchema): string {
    if (schema.properties !== undefined) {
      this.#later.push([name, schema]);
      return name;
    }
    const values = schema.additionalProperties;
    if (typeof values !== "object") throw new Error(`${name} is an object without properties`);
    return `Readonly<Record<string, ${this.#type(`${name}Value`, values)}>>`;
  }

  #comment(schema: JsonSchema, indent: string): void {
    const byDefault = schema.default === undefined ? "" : ` Default: \`${JSON.stringify(schema.default)}\`.`;
    if (schema.description !== undefined) this.#out.push(`${indent}/** ${schema.description}${byDefault} */`);
  }
}

function bracketed(type: string): string {
  return /[ |]/.test(type) ? `(${type})` : type;
}

function capitalised(text: string): string {
  return text
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
