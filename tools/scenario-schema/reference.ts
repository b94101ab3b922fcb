import { refName } from "../../packages/scenario/src/schema/compose.ts";
import type { JsonSchema, SchemaDocument } from "../../packages/scenario/src/schema/json-schema.ts";

/** Every key of a scenario file as a page of Markdown tables, the file itself first. */
export function renderReference(document: SchemaDocument): string {
  const out = [
    "# Keys of a scenario file",
    "",
    "Made from the schema by `pnpm --filter @seville/scenario schema`. [schema.md](schema.md) says why it is so.",
    "",
  ];
  const names = Object.keys(document.$defs);
  const objects = names.filter((name) => document.$defs[name]?.properties !== undefined);
  const first = ["Scenario", "Host", "Interface", "Route", "Link", "LinkParameters", "Traffic", "Event", "Attachment"];
  const ordered = [...first, ...objects.filter((name) => !first.includes(name))];
  for (const name of ordered) section(out, name, document.$defs[name] ?? {}, 2);
  out.push("## Quantities and names", "", "| type | what | examples |", "| --- | --- | --- |");
  for (const name of names.filter((candidate) => !objects.includes(candidate))) {
    const schema = document.$defs[name] ?? {};
    const examples = (schema.examples ?? []).map((example) => `\`${String(example)}\``).join(", ");
    out.push(`| ${name} | ${schema.description ?? schema.expected ?? ""} | ${examples} |`);
  }
  out.push("");
  return out.join("\n");
}

function section(out: string[], name: string, schema: JsonSchema, level: number): void {
  const choices = new Set((schema.oneOf ?? []).map((branch) => branch.required?.[0] ?? ""));
  out.push(`${"#".repeat(level)} ${name}`, "", schema.description ?? "", "");
  if (choices.size > 0) out.push("Exactly one of the keys marked ◆ is there.", "");
  out.push("| key | type | default | what |", "| --- | --- | --- | --- |");
  const nested: [string, JsonSchema][] = [];
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const mark = choices.has(key) ? " ◆" : schema.required?.includes(key) === true ? " (required)" : "";
    const fallback =
      property.default === undefined ? "" : `\`${JSON.stringify(property.default).replaceAll('"', "")}\``;
    if (property.properties !== undefined) nested.push([`${name} › ${key}`, property]);
    out.push(
      `| \`${key}\`${mark} | ${typeName(`${name} › ${key}`, property)} | ${fallback} | ${property.description ?? ""} |`,
    );
  }
  out.push("");
  for (const [nestedName, property] of nested) section(out, nestedName, property, level + 1);
}

function typeName(name: string, schema: JsonSchema): string {
  if (schema.$ref !== undefined) return refName(schema.$ref);
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.anyOf !== undefined) return schema.anyOf.map((branch) => typeName(name, branch)).join(" or ");
  if (schema.type === "array") return `list of ${typeName("item", schema.items ?? {})}`;
  if (schema.properties !== undefined) return `see ${name}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return `map of ${typeName(name, schema.additionalProperties)}`;
  }
  return schema.type ?? "";
}
