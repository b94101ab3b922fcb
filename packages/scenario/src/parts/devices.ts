import type { JsonSchema, ObjectDefinition } from "../schema/json-schema.ts";

const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });
const PORT: JsonSchema = { type: "integer", minimum: 1, maximum: 65535 };

/** The hardware profiles of `@seville/netdev`. A test holds this list to `PROFILES`. */
export const NIC_PROFILES: readonly string[] = [
  "none",
  "ip-csum",
  "hw-csum",
  "parsing-nic",
  "tso-no-tunnel",
  "gso-partial",
  "tunnel-offload",
  "inner-only-rx",
  "outer-only-rx",
  "embedded-switch",
];

const FEATURES: JsonSchema = {
  type: "object",
  propertyNames: { type: "string", minLength: 1 },
  additionalProperties: { type: "boolean" },
};

export const NIC_KEYS: Readonly<Record<string, JsonSchema>> = {
  nic: {
    type: "string",
    enum: NIC_PROFILES,
    description: "What its hardware does: a NIC that behaves as its class does. Default: one without offloads.",
  },
  vf: {
    ...REF("Endpoint"),
    description:
      "It is a virtual function of that NIC (`host:interface`), whose `nic` is `embedded-switch`: it has no cable of its own.",
  },
  embeddedSwitch: {
    type: "object",
    description: "The switch in the NIC. Needs `nic: embedded-switch`.",
    additionalProperties: false,
    properties: {
      mode: {
        type: "string",
        enum: ["veb", "vepa"],
        default: "veb",
        description: "`veb`: frames between functions stay inside; `vepa`: everything goes to the wire.",
      },
      spoofCheck: {
        type: "boolean",
        default: false,
        description: "Drop what does not bear the function's own address as its source.",
      },
    },
  },
  driver: {
    type: "string",
    enum: ["checking", "careless"],
    default: "checking",
    description:
      "`careless`: the driver does not look whether its hardware would get a packet wrong (no `ndo_features_check`). Needs `nic`.",
  },
  rxPad: {
    type: "integer",
    enum: [0, 2],
    default: 2,
    description: "Bytes in front of a received frame (NET_IP_ALIGN): with 2 the IP header is aligned. Needs `nic`.",
  },
  features: {
    ...FEATURES,
    description:
      "Features switched as by `ethtool -K`, by ethtool's or the kernel's names (`tso: false`). Needs `nic`.",
  },
};

export const ALIGNMENT_KEYS: Readonly<Record<string, JsonSchema>> = {
  alignment: {
    ...REF("Alignment"),
    description: "How its processor takes headers that lie askew, and what is done about it.",
  },
};

export const ALIGNMENT_DEFINITIONS: Readonly<Record<string, ObjectDefinition>> = {
  Alignment: {
    description: "A processor that minds where words lie, or not.",
    type: "object",
    additionalProperties: false,
    properties: {
      arch: {
        type: "string",
        enum: ["x86", "strict-align"],
        default: "x86",
        description:
          "`strict-align`: a word that is not at a multiple of its size traps, in GRO, in the dissector and in the stack; traps are counted.",
      },
      policy: {
        type: "string",
        enum: ["leave", "shift-headers", "fix-gre"],
        default: "leave",
        description:
          "What is done about a misaligned packet that comes out of a tunnel: nothing; move it; or let the flow dissector read a copy of its headers.",
      },
    },
  },
};

export const NIC_EVENTS: Readonly<Record<string, JsonSchema>> = {
  ethtool: {
    type: "object",
    description: "Switches features of a NIC.",
    additionalProperties: false,
    required: ["interface", "features"],
    properties: {
      interface: { ...REF("Endpoint"), description: "Which (`host:interface`)." },
      features: { ...FEATURES, minProperties: 1, description: "By ethtool's or the kernel's names." },
    },
  },
};

export const TUNNEL_KEYS: Readonly<Record<string, JsonSchema>> = {
  tunnel: { ...REF("Tunnel"), description: "The interface is a tunnel, as `ip link add … type …` makes it." },
};

export const TUNNEL_DEFINITIONS: Readonly<Record<string, ObjectDefinition>> = {
  Tunnel: {
    description: "One end of a tunnel.",
    type: "object",
    additionalProperties: false,
    required: ["kind", "local"],
    properties: {
      kind: {
        type: "string",
        enum: ["vxlan", "geneve", "gre", "gretap", "nvgre", "erspan", "ipip", "sit", "ip6tnl"],
        description: "What carries the packets.",
      },
      local: { ...REF("Address"), description: "Address of this end." },
      remote: { ...REF("Address"), description: "Address of the other end. A VXLAN may have `remotes` instead." },
      remotes: {
        type: "array",
        items: REF("Address"),
        uniqueItems: true,
        description:
          "VXLAN: where frames for all go, and those for stations that are not known: ends that each get a copy, or a multicast group.",
      },
      fdb: {
        type: "object",
        propertyNames: REF("Mac"),
        additionalProperties: REF("Address"),
        description:
          "VXLAN: stations and the ends behind which they are (`bridge fdb add`); they neither move nor age.",
      },
      learning: {
        type: "boolean",
        default: true,
        description: "VXLAN with several ends: learn who is where from what comes in.",
      },
      ageing: {
        ...REF("Duration"),
        default: "300s",
        description: "VXLAN: a learned station goes after so long without use.",
      },
      neighbours: {
        type: "object",
        propertyNames: REF("Address"),
        additionalProperties: REF("Mac"),
        description: "VXLAN: addresses for which it answers solicitations itself, if `suppress` says so.",
      },
      suppress: {
        type: "string",
        enum: ["neigh-suppress", "proxy"],
        description:
          "VXLAN: answer ARP and ND for `neighbours`. What is not among them is sent on (`neigh-suppress`) or goes nowhere (`proxy`).",
      },
      id: {
        type: "integer",
        minimum: 0,
        maximum: 16777215,
        description: "VNI, VSID, or session of ERSPAN. VXLAN, Geneve and NVGRE need it.",
      },
      key: { type: "integer", minimum: 0, maximum: 4294967295, description: "GRE key, both ways." },
      csum: { type: "boolean", default: false, description: "GRE checksum, both ways." },
      seq: { type: "boolean", default: false, description: "GRE sequence numbers, both ways." },
      udpcsum: {
        type: "boolean",
        description: "Checksum of the outer UDP header. Default: as the kernel, on but for Geneve over IPv4.",
      },
      dstport: { ...PORT, description: "Destination port. Default: that of the protocol." },
      dev: { ...REF("InterfaceName"), description: "The interface by which outer packets leave." },
      ttl: { type: "integer", minimum: 1, maximum: 255, description: "Outer TTL. Default: as the kernel." },
      df: { type: "boolean", description: "Whether outer IPv4 packets say do not fragment. Default: as the kernel." },
      encap: {
        type: "object",
        description: "FOU or GUE around an IP tunnel.",
        additionalProperties: false,
        required: ["type", "dport"],
        properties: {
          type: { type: "string", enum: ["fou", "gue"], description: "Which." },
          dport: { ...PORT, description: "Destination port." },
          csum: { type: "boolean", default: false, description: "Checksum of the outer UDP header." },
        },
      },
    },
  },
};

export const SUPER_PACKETS: Readonly<Record<string, JsonSchema>> = {
  superPackets: {
    type: "object",
    description:
      "One packet of each inner protocol through each interface, as large as the stack makes them; where checksums were computed, what the CPU touched, and whether each frame on the wire is right.",
    additionalProperties: false,
    required: ["from", "to", "via", "inner"],
    properties: {
      from: { ...REF("Name"), description: "The host that sends." },
      to: { ...REF("Name"), description: "The host that receives. Its interfaces have the sender's names." },
      nic: { ...REF("InterfaceName"), default: "eth0", description: "The sender's interface on the link." },
      via: {
        type: "array",
        description: "The sender's interfaces to send through.",
        items: REF("InterfaceName"),
        minItems: 1,
        uniqueItems: true,
      },
      inner: {
        type: "array",
        description: "What is sent.",
        items: { type: "string", enum: ["tcp4", "tcp6", "udp4", "udp6", "sctp4", "sctp6"] },
        minItems: 1,
        uniqueItems: true,
      },
      payload: {
        type: "integer",
        minimum: 1,
        maximum: 60000,
        default: 16000,
        description: "Bytes of payload of each super-packet. No more than a segment: an ordinary packet.",
      },
      segment: {
        type: "integer",
        minimum: 1,
        maximum: 8900,
        default: 1200,
        description: "Bytes of payload in each frame.",
      },
    },
  },
};
