import type { JsonSchema, ObjectDefinition } from "../schema/json-schema.ts";

const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });

export const PROGRAMS: Readonly<Record<string, ObjectDefinition>> = {
  Program: {
    description: "A program of this machine, run in the network namespace of an attachment.",
    type: "object",
    additionalProperties: false,
    required: ["in", "run"],
    properties: {
      in: { ...REF("Name"), description: "The attachment in whose namespace it runs." },
      run: {
        anyOf: [
          { type: "string", minLength: 1 },
          { type: "array", items: { type: "string" }, minItems: 1 },
        ],
        description: "The program and its arguments: a list, or a line that is cut at blanks. No shell reads it.",
      },
      start: { ...REF("Duration"), default: "0s", description: "When it starts." },
      stop: {
        ...REF("Duration"),
        description: "When it is interrupted (SIGINT) if it still runs. Default: with the run.",
      },
      background: {
        type: "boolean",
        default: false,
        description: "A server: it is interrupted when the run ends, and `endWithPrograms` does not wait for it.",
      },
      output: {
        type: "string",
        enum: ["ping", "iperf3", "text"],
        description: "How to read what it prints: iputils' ping, or iperf3 -J. Default: by its name.",
      },
    },
  },
};

export const SCENARIO_PROGRAMS: Readonly<Record<string, JsonSchema>> = {
  programs: {
    type: "object",
    description: "Programs of this machine whose traffic crosses the simulation, by name. Linux; needs realtime.",
    propertyNames: REF("Name"),
    additionalProperties: REF("Program"),
  },
  endWithPrograms: {
    type: "boolean",
    default: false,
    description:
      "End half a second after the last program that is not in the background. Without such a one: at duration.",
  },
};
