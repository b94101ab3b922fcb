/** The keywords of JSON Schema (draft 2020-12) that scenario parts use. Plain data. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number | boolean)[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  /** Strings. */
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Numbers. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Objects. */
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  /** Arrays. */
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  /** Alternatives: of shape (`anyOf`), or of which key is there (`oneOf`, written by `composeSchema`). */
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  /** What completes "must be …" in an error when the pattern fails. Ours; editors ignore it. */
  readonly expected?: string;
  /** The TypeScript type of a string with a pattern. Ours; editors ignore it. */
  readonly tsType?: string;
  /** A string that names one of the choices of that definition. Replaced by an `enum` on composition. */
  readonly enumOfChoices?: string;
}

/** A definition as parts write it: an object schema, some of whose keys exclude each other. */
export interface ObjectDefinition extends JsonSchema {
  /** Exactly one of these keys is there. Parts add more. Turned into `oneOf` on composition. */
  readonly choices?: Readonly<Record<string, JsonSchema>>;
}

/** Our own keywords, which a validator must be told of. */
export const OWN_KEYWORDS: readonly string[] = ["expected", "tsType", "enumOfChoices"];

/** The whole composed schema. */
export interface SchemaDocument {
  readonly $schema: "https://json-schema.org/draft/2020-12/schema";
  readonly $id: string;
  readonly title: string;
  readonly description: string;
  readonly $ref: string;
  readonly $defs: Readonly<Record<string, JsonSchema>>;
}
