import type { Scenario } from "../types.ts";
import type { PartRuntime } from "../run/world.ts";
import type { JsonSchema, ObjectDefinition } from "./json-schema.ts";

/** Definitions to which a part may add keys. `docs/schema.md` says what each is. */
export const POINTS = [
  "Scenario",
  "Host",
  "Interface",
  "Route",
  "Link",
  "LinkParameters",
  "QueueDiscipline",
  "LossModel",
  "Traffic",
  "Event",
  "Attachment",
] as const;

export type Point = (typeof POINTS)[number];

/** Says what is wrong at a place of the scenario. `path` is made of keys and indices. */
export interface CheckReporter {
  error(path: readonly (string | number)[], message: string, hint?: string): void;
  warning(path: readonly (string | number)[], message: string, hint?: string): void;
}

/** What one package adds to scenario files: its schema as plain data, and how to load what carries it out. */
export interface ScenarioPart {
  readonly name: string;
  /** New definitions. */
  readonly definitions?: Readonly<Record<string, ObjectDefinition>>;
  /** Keys added to definitions, each optional. */
  readonly properties?: Readonly<Partial<Record<Point, Readonly<Record<string, JsonSchema>>>>>;
  /** Keys added to definitions of which exactly one must be there. */
  readonly choices?: Readonly<Partial<Record<Point, Readonly<Record<string, JsonSchema>>>>>;
  /**
   * Writes out what the scenario says in short: the scenario with hosts and links added. What stands for itself stays. Called
   * before any `check`, on scenarios that fit the schema; what cannot be written out is reported.
   */
  readonly expand?: (scenario: Scenario, report: CheckReporter) => Scenario;
  /** What a schema cannot say. Called only on scenarios that fit the schema. */
  readonly check?: (scenario: Scenario, report: CheckReporter) => void;
  /** Loads the engine. Called only if a scenario uses a key of this part. */
  readonly load: () => Promise<PartRuntime>;
}
