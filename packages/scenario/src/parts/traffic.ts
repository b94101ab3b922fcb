import type { JsonSchema, ObjectDefinition } from "../schema/json-schema.ts";

export const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });

export const ENDS: Readonly<Record<string, JsonSchema>> = {
  from: { ...REF("Name"), description: "The host that sends." },
  to: {
    type: "string",
    pattern: "^[A-Za-z0-9_][A-Za-z0-9_.:%-]*$|^::$|^::[0-9A-Fa-f:.]+$",
    expected: "a host, host:interface, or an address",
    description: "A host, `host:interface`, or an address.",
  },
  family: {
    type: "string",
    enum: ["ipv4", "ipv6"],
    description: "Which of the receiver's addresses. Default: IPv4 if both ends have it.",
  },
};
export const PORT: JsonSchema = { type: "integer", minimum: 1, maximum: 65535 };

export const TRAFFIC: Readonly<Record<string, ObjectDefinition>> = {
  Traffic: {
    description: "Something that a host sends.",
    type: "object",
    additionalProperties: false,
    properties: {
      start: { ...REF("Duration"), default: "0s", description: "When it starts." },
      stop: { ...REF("Duration"), description: "When it stops. Default: when it is done, or with the run." },
      manual: { type: "boolean", default: false, description: "Does not start by itself, only by a `start` event." },
    },
  },
  Event: {
    description: "What happens at a time.",
    type: "object",
    additionalProperties: false,
    required: ["at"],
    properties: {
      at: { ...REF("Duration"), description: "When." },
      label: { type: "string", maxLength: 60, description: "What the report writes at the time axis." },
    },
  },
};

export const GENERATORS: Readonly<Record<string, JsonSchema>> = {
  ping: {
    type: "object",
    description: "ICMP echo requests.",
    additionalProperties: false,
    required: ["from", "to"],
    properties: {
      ...ENDS,
      interval: { ...REF("Duration"), default: "1s", description: "Between requests." },
      count: { type: "integer", minimum: 1, maximum: 1_000_000_000, description: "Default: until it is stopped." },
      size: { type: "integer", minimum: 0, maximum: 65_507, default: 56, description: "Bytes of ICMP payload." },
      ttl: { type: "integer", minimum: 1, maximum: 255, default: 64, description: "Hop limit." },
      timeout: { ...REF("Duration"), default: "10s", description: "A reply later than this counts as lost." },
    },
  },
  udp: {
    type: "object",
    description: "A one-way stream of numbered UDP datagrams at a constant rate.",
    additionalProperties: false,
    required: ["from", "to", "rate"],
    properties: {
      ...ENDS,
      port: { ...PORT, default: 5001, description: "Destination port." },
      rate: { ...REF("Rate"), description: "Bits of payload per second." },
      size: { type: "integer", minimum: 20, maximum: 65_507, default: 1200, description: "Bytes of payload each." },
      count: { type: "integer", minimum: 1, maximum: 1_000_000_000, description: "Default: until it is stopped." },
    },
  },
  udpEcho: {
    type: "object",
    description: "Numbered UDP datagrams that the receiver sends back: round-trip times as a program sees them.",
    additionalProperties: false,
    required: ["from", "to"],
    properties: {
      ...ENDS,
      port: { ...PORT, default: 7, description: "Destination port." },
      interval: { ...REF("Duration"), default: "100ms", description: "Between requests." },
      size: { type: "integer", minimum: 20, maximum: 65_507, default: 64, description: "Bytes of payload each." },
      count: { type: "integer", minimum: 1, maximum: 1_000_000_000, description: "Default: until it is stopped." },
      timeout: { ...REF("Duration"), default: "10s", description: "An answer later than this counts as lost." },
    },
  },
};

const NAMES: JsonSchema = {
  anyOf: [REF("Name"), { type: "array", items: REF("Name"), minItems: 1, uniqueItems: true }],
};

export const TRAFFIC_EVENTS: Readonly<Record<string, JsonSchema>> = {
  start: { ...NAMES, description: "Starts traffic, by name." },
  stop: { ...NAMES, description: "Stops traffic, by name." },
};
