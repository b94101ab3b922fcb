import type { JsonSchema, ObjectDefinition } from "../schema/json-schema.ts";
import { PARAMETERS } from "./links.ts";

const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });

const SYSCTLS: JsonSchema = {
  type: "object",
  propertyNames: {
    type: "string",
    pattern: "^[a-z0-9_]+([./][A-Za-z0-9_-]+)+$",
    expected: "the name of a sysctl, such as net.ipv4.tcp_sack",
  },
  additionalProperties: { anyOf: [{ type: "integer" }, { type: "string" }] },
};

export const FABRIC_DEFINITIONS: Readonly<Record<string, ObjectDefinition>> = {
  Fabric: {
    description:
      "Hosts and switches that are made by rule, as if they were written down: hosts NAME.h0 …, all with an interface eth0. Settings of links hold for all of its links.",
    type: "object",
    additionalProperties: false,
    choices: {
      fatTree: {
        type: "object",
        description:
          "A fat-tree of k-port switches (Al-Fares et al. 2008): k³/4 hosts, edge switches NAME.e0.0 (pod, number), aggregation NAME.a0.0, core NAME.c0; links NAME.e0.0-h0, NAME.e0.0-a0.1, NAME.a0.1-c2.",
        additionalProperties: false,
        required: ["k"],
        properties: { k: { type: "integer", minimum: 2, maximum: 16, description: "Ports of a switch: even." } },
      },
      like: { ...REF("Name"), description: "Another fabric, of which it has all that it does not say itself." },
      paths: {
        type: "object",
        description: "Two switches, NAME.s0 and NAME.s1, joined by parallel links NAME.path0 …; hosts at both.",
        additionalProperties: false,
        required: ["count"],
        properties: {
          count: { type: "integer", minimum: 1, maximum: 64, description: "Parallel links." },
          hosts: { type: "integer", minimum: 1, maximum: 64, default: 1, description: "Hosts at each switch." },
        },
      },
    },
    properties: {
      family: { type: "string", enum: ["ipv4", "ipv6"], default: "ipv4", description: "Which protocol it carries." },
      select: {
        anyOf: [{ type: "string", enumOfChoices: "NextHopSelection" }, REF("NextHopSelection")],
        description: "How switches choose among the ways up. Default: hash.",
      },
      hashPolicy: {
        type: "integer",
        minimum: 0,
        maximum: 3,
        description: "fib_multipath_hash_policy of the switches. Default: 1 (ports) for IPv4, 0 (flow label) for IPv6.",
      },
      access: {
        ...REF("LinkParameters"),
        description: "Settings of the links between hosts and switches, where they differ from the others.",
      },
      degrade: {
        type: "object",
        description: "Settings of single links, by their names in the fabric, such as a0.0-c0 or path1.",
        additionalProperties: REF("LinkParameters"),
      },
      resequence: {
        ...REF("Duration"),
        description: "Its hosts put TCP segments into order before their stack sees them, and hold none for longer.",
      },
      hostSysctls: { ...SYSCTLS, description: "Settings of all its hosts." },
      switchSysctls: { ...SYSCTLS, description: "Settings of all its switches." },
      ...PARAMETERS,
    },
  },
};

export const SCENARIO_FABRICS: Readonly<Record<string, JsonSchema>> = {
  fabrics: {
    type: "object",
    description: "Networks that are made by rule, by name.",
    propertyNames: REF("Name"),
    additionalProperties: REF("Fabric"),
  },
};

const COMMON: Readonly<Record<string, JsonSchema>> = {
  in: {
    anyOf: [REF("Name"), { type: "array", items: REF("Name"), minItems: 1, uniqueItems: true }],
    description: "The fabric, or several: each has its own, with the same dice.",
  },
  udp: {
    ...REF("Rate"),
    description: "Each flow is UDP at this rate of payload, with exponential gaps. Default: TCP, as much as it can.",
  },
  size: { type: "integer", minimum: 20, maximum: 65_507, default: 1400, description: "UDP: bytes of payload each." },
  bytes: {
    type: "integer",
    minimum: 1,
    maximum: 9007199254740991,
    description: "TCP: each flow ends after so many bytes.",
  },
  congestion: { type: "string", description: "TCP: congestion control, such as cubic or bbr." },
  seed: { type: "integer", minimum: 0, default: 0, description: "Which of the random patterns." },
};

export const PATTERNS: Readonly<Record<string, JsonSchema>> = {
  permutation: {
    type: "object",
    description: "Every host of a fabric sends to one other and receives from one, at random.",
    additionalProperties: false,
    required: ["in"],
    properties: COMMON,
  },
  stride: {
    type: "object",
    description: "Host i of a fabric sends to host i + by, modulo their number.",
    additionalProperties: false,
    required: ["in"],
    properties: {
      ...COMMON,
      by: { type: "integer", minimum: 1, description: "Default: half the hosts, so that all flows cross the core." },
    },
  },
  incast: {
    type: "object",
    description: "Many hosts of a fabric send to one at the same time.",
    additionalProperties: false,
    required: ["in", "senders"],
    properties: {
      ...COMMON,
      senders: { type: "integer", minimum: 1, description: "How many, chosen at random." },
      to: { type: "integer", minimum: 0, default: 0, description: "The number of the host that receives." },
    },
  },
  pairs: {
    type: "object",
    description: "Flows between two hosts of a fabric.",
    additionalProperties: false,
    required: ["in"],
    properties: {
      ...COMMON,
      from: { type: "integer", minimum: 0, default: 0, description: "The number of the host that sends." },
      to: { type: "integer", minimum: 0, description: "The number of the host that receives. Default: the last." },
      flows: { type: "integer", minimum: 1, maximum: 1000, default: 1, description: "How many flows." },
    },
  },
};

/** Ways of choosing among next hops, for routes and fabrics. */
export const SELECTION: Readonly<Record<string, ObjectDefinition>> = {
  NextHopSelection: {
    description: "How a route with several next hops chooses among those that are usable.",
    type: "object",
    additionalProperties: false,
    choices: {
      hash: {
        type: "object",
        description: "A flow keeps its way (ECMP), by fib_multipath_hash_policy.",
        additionalProperties: false,
        properties: {},
      },
      flowlet: {
        type: "object",
        description: "A burst of a flow keeps its way.",
        additionalProperties: false,
        properties: {
          gap: { ...REF("Duration"), default: "500us", description: "After a longer pause it may take another." },
          flowlets: {
            type: "integer",
            minimum: 1,
            maximum: 1_048_576,
            default: 1024,
            description: "Entries of the table.",
          },
        },
      },
      random: {
        type: "object",
        description: "Each packet for itself (random packet spraying).",
        additionalProperties: false,
        properties: {},
      },
      "round-robin": { type: "object", description: "Packets in turn.", additionalProperties: false, properties: {} },
      "better-of-two": {
        type: "object",
        description: "The shortest queue of some at random and the best of before (DRILL).",
        additionalProperties: false,
        properties: {
          samples: { type: "integer", minimum: 1, maximum: 64, default: 2, description: "Drawn for each packet." },
          memory: { type: "integer", minimum: 0, maximum: 64, default: 1, description: "Remembered from before." },
        },
      },
    },
  },
  NextHop: {
    description: "One of several next hops of a route.",
    type: "object",
    additionalProperties: false,
    properties: {
      via: { ...REF("Address"), description: "The next hop." },
      dev: { ...REF("InterfaceName"), description: "The interface." },
      weight: { type: "integer", minimum: 1, maximum: 256, default: 1, description: "Its share." },
    },
  },
};

/** Keys of an interface that puts what it receives into order. */
export const RESEQUENCE_KEYS: Readonly<Record<string, JsonSchema>> = {
  resequence: {
    ...REF("Duration"),
    description: "Put received TCP segments into order before the stack sees them, and hold none for longer than that.",
  },
};

/** Keys of a route with several next hops. */
export const MULTIPATH_KEYS: Readonly<Record<string, JsonSchema>> = {
  nexthops: {
    type: "array",
    description: "Several next hops, in place of via and dev: `ip route add … nexthop via … weight …`.",
    items: REF("NextHop"),
    minItems: 1,
    maxItems: 256,
  },
  select: {
    anyOf: [{ type: "string", enumOfChoices: "NextHopSelection" }, REF("NextHopSelection")],
    description: "How to choose among them. Default: hash.",
  },
};
