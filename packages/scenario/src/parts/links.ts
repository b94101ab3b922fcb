import type { JsonSchema, ObjectDefinition } from "../schema/json-schema.ts";

const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });
const PACKETS: JsonSchema = { type: "integer", minimum: 1, maximum: 1_000_000 };

/** What a link does to frames. A link's own settings, an override for one direction, and `set` events share it. */
/** Settings of a link, or of one direction of it. */
export const PARAMETERS: Readonly<Record<string, JsonSchema>> = {
  rate: { ...REF("Rate"), description: "Bits per second on the wire. Default: no limit (frames take no time)." },
  delay: { ...REF("Duration"), default: "0ms", description: "Propagation delay." },
  jitter: {
    anyOf: [REF("Duration"), REF("Jitter")],
    description: "How much the delay varies from frame to frame. A time alone: uniform within ± that time.",
  },
  framing: {
    type: "string",
    enum: ["ethernet", "none"],
    default: "ethernet",
    description: "What counts against the rate: with preamble, check sequence, gap and padding, or the frame's bytes.",
  },
  queue: {
    anyOf: [{ type: "string", enumOfChoices: "QueueDiscipline" }, REF("QueueDiscipline")],
    description: "Where frames wait for the transmitter. Default: fifo of 1000 packets.",
  },
  policer: {
    anyOf: [{ type: "string", enum: ["none"] }, REF("Policer")],
    description: "Judges frames before they queue, and drops (or marks) what exceeds a rate.",
  },
  loss: { anyOf: [REF("Percent"), REF("LossModel")], description: "Frames lost on the way, and by which law." },
  reorder: {
    anyOf: [REF("Percent"), REF("Reorder")],
    description: "Frames that skip the delay and so overtake others, as netem's reorder.",
  },
  duplicate: { ...REF("Percent"), description: "Frames that arrive twice." },
  corrupt: {
    anyOf: [REF("Percent"), REF("Corrupt")],
    description: "Frames in which a bit is flipped. The receiver's check sequence finds it, unless afterFcs.",
  },
};

export const LINKS: Readonly<Record<string, ObjectDefinition>> = {
  LinkParameters: {
    description: "What a link, or one direction of it, does to frames.",
    type: "object",
    additionalProperties: false,
    properties: PARAMETERS,
  },
  QueueDiscipline: {
    description: "A queue by its tc name, with the parameters that tc gives it.",
    type: "object",
    additionalProperties: false,
    choices: {
      fifo: {
        type: "object",
        description: "First in, first out; a full queue drops the newcomer.",
        additionalProperties: false,
        properties: { limit: { ...REF("Limit"), default: "1000p", description: "In packets or bytes." } },
      },
      codel: {
        type: "object",
        description: "CoDel (RFC 8289).",
        additionalProperties: false,
        properties: {
          limit: { ...PACKETS, default: 1000, description: "Packets." },
          target: { ...REF("Duration"), default: "5ms", description: "Acceptable standing delay." },
          interval: { ...REF("Duration"), default: "100ms", description: "About the worst round-trip time." },
          ecn: { type: "boolean", default: false, description: "Mark instead of dropping." },
        },
      },
      fq_codel: {
        type: "object",
        description: "Flow queueing with CoDel (RFC 8290).",
        additionalProperties: false,
        properties: {
          limit: { ...PACKETS, default: 10240, description: "Packets, over all flows." },
          flows: { type: "integer", minimum: 1, maximum: 65536, default: 1024, description: "Number of queues." },
          quantum: { type: "integer", minimum: 64, maximum: 1048576, default: 1514, description: "Bytes a turn." },
          memory: { ...REF("Size"), default: "32mb", description: "Bytes of memory, over all flows." },
          target: { ...REF("Duration"), default: "5ms", description: "Acceptable standing delay." },
          interval: { ...REF("Duration"), default: "100ms", description: "About the worst round-trip time." },
          ecn: { type: "boolean", default: true, description: "Mark instead of dropping." },
        },
      },
      red: {
        type: "object",
        description: "Random early detection (Floyd and Jacobson 1993, as tc red).",
        additionalProperties: false,
        required: ["limit", "min", "max"],
        properties: {
          limit: { ...REF("Size"), description: "Hard limit." },
          min: { ...REF("Size"), description: "Average queue at which marking begins." },
          max: { ...REF("Size"), description: "Average queue at which the probability is reached." },
          probability: { ...REF("Percent"), default: "2%", description: "At max." },
          ecn: { type: "boolean", default: false, description: "Mark instead of dropping." },
        },
      },
      tbf: {
        type: "object",
        description: "A token bucket shaper (tc tbf): lets frames out at a rate, in bursts.",
        additionalProperties: false,
        required: ["rate", "burst"],
        properties: {
          rate: { ...REF("Rate"), description: "Tokens come at this rate." },
          burst: { ...REF("Size"), description: "The bucket." },
          limit: { ...REF("Size"), default: "1mb", description: "Bytes that wait at most." },
        },
      },
    },
  },
  LossModel: {
    description: "A law of loss other than independent chance.",
    type: "object",
    additionalProperties: false,
    choices: {
      random: {
        type: "object",
        description: "Independent, or correlated as netem's loss random.",
        additionalProperties: false,
        required: ["probability"],
        properties: {
          probability: { ...REF("Percent"), description: "Of each frame." },
          correlation: { ...REF("Percent"), default: "0%", description: "How much the last draw weighs." },
        },
      },
      state: {
        type: "object",
        description: "netem's four-state model: received in a gap, in a burst; lost in a burst, in a gap.",
        additionalProperties: false,
        required: ["p13"],
        properties: {
          p13: { ...REF("Percent"), description: "From received in a gap to lost in a burst." },
          p31: { ...REF("Percent"), description: "Default: 100% − p13." },
          p32: { ...REF("Percent"), default: "0%", description: "From lost to received, within a burst." },
          p23: { ...REF("Percent"), default: "100%", description: "From received to lost, within a burst." },
          p14: { ...REF("Percent"), default: "0%", description: "Isolated loss in a gap." },
        },
      },
      gemodel: {
        type: "object",
        description: "Gilbert–Elliott, with netem's parameters.",
        additionalProperties: false,
        required: ["p"],
        properties: {
          p: { ...REF("Percent"), description: "From the good state to the bad, per frame." },
          r: { ...REF("Percent"), description: "From the bad state to the good. Default: 100% − p." },
          bad: { ...REF("Percent"), default: "100%", description: "Loss in the bad state (netem's 1-h)." },
          good: { ...REF("Percent"), default: "0%", description: "Loss in the good state (netem's 1-k)." },
        },
      },
      frames: {
        type: "array",
        description: "Exactly these frames of the direction, counted from 1.",
        items: { type: "integer", minimum: 1, maximum: 9007199254740991 },
        minItems: 1,
        uniqueItems: true,
      },
    },
  },
  Jitter: {
    description: "The law of the delay's variation, as netem's `delay TIME JITTER CORRELATION distribution NAME`.",
    type: "object",
    additionalProperties: false,
    required: ["deviation"],
    properties: {
      deviation: { ...REF("Duration"), description: "Half the width (uniform), or the standard deviation." },
      distribution: {
        type: "string",
        enum: ["uniform", "normal", "pareto"],
        default: "uniform",
        description: "The shape.",
      },
      correlation: { ...REF("Percent"), default: "0%", description: "How much the last draw weighs." },
      overtake: {
        type: "boolean",
        default: false,
        description: "A frame whose delay is shorter overtakes those before it, as with netem.",
      },
    },
  },
  Policer: {
    description: "A token bucket that holds nothing (tc police).",
    type: "object",
    additionalProperties: false,
    required: ["rate", "burst"],
    properties: {
      rate: { ...REF("Rate"), description: "Tokens come at this rate." },
      burst: { ...REF("Size"), description: "The bucket." },
      exceed: {
        type: "string",
        enum: ["drop", "mark"],
        default: "drop",
        description: "What becomes of frames over the rate; `mark`: Congestion Experienced, where ECN-capable.",
      },
    },
  },
  Reorder: {
    description: "Which frames skip the delay.",
    type: "object",
    additionalProperties: false,
    required: ["probability"],
    properties: {
      probability: { ...REF("Percent"), description: "Of each candidate." },
      gap: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 1,
        description: "Every gap-th frame is a candidate.",
      },
      correlation: { ...REF("Percent"), default: "0%", description: "How much the last draw weighs." },
    },
  },
  Corrupt: {
    description: "How frames are damaged.",
    type: "object",
    additionalProperties: false,
    required: ["probability"],
    properties: {
      probability: { ...REF("Percent"), description: "Of each frame." },
      afterFcs: {
        type: "boolean",
        default: false,
        description: "The damage happens where no check sequence sees it, so that only upper checksums can.",
      },
    },
  },
  Link: {
    description: "A full-duplex Ethernet cable.",
    type: "object",
    additionalProperties: false,
    required: ["between"],
    properties: {
      between: {
        type: "array",
        description: "Its two ends.",
        items: REF("Endpoint"),
        minItems: 2,
        maxItems: 2,
        uniqueItems: true,
        tsType: "readonly [string, string]",
      },
      mtu: { type: "integer", minimum: 68, maximum: 65535, default: 1500, description: "Longer frames are dropped." },
      up: { type: "boolean", default: true, description: "Whether it has carrier when time begins." },
      from: {
        type: "object",
        description: "Settings for what leaves one end, keyed by that end.",
        propertyNames: REF("Endpoint"),
        additionalProperties: REF("LinkParameters"),
        maxProperties: 2,
      },
      ...PARAMETERS,
    },
  },
};

/** Timeline keys that concern links and interfaces. */
export const LINK_EVENTS: Readonly<Record<string, JsonSchema>> = {
  set: {
    type: "object",
    description: "Changes the settings of a link that are named, and no others.",
    additionalProperties: false,
    required: ["link"],
    properties: {
      link: { ...REF("Name"), description: "Which link." },
      from: { ...REF("Endpoint"), description: "Only what leaves this end. Default: both directions." },
      ...PARAMETERS,
    },
  },
  down: { ...REF("Endpoint"), description: "Takes a link (by name) or an interface (`host:interface`) down." },
  up: { ...REF("Endpoint"), description: "Brings it up again." },
  partition: {
    type: "array",
    description:
      "Groups of hosts and attachments. Links between two groups (hosts not named form one more) carry nothing; carrier stays.",
    minItems: 1,
    items: { type: "array", minItems: 1, items: REF("Name"), uniqueItems: true },
  },
  heal: { type: "string", enum: ["all"], description: "Ends the partition." },
};
