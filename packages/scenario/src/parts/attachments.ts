import type { JsonSchema, ObjectDefinition } from "../schema/json-schema.ts";

const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });

export const ATTACHMENTS: Readonly<Record<string, ObjectDefinition>> = {
  Attachment: {
    description: "An end of a link that lies outside the simulation. Whoever runs the scenario opens it.",
    type: "object",
    additionalProperties: false,
  },
};

const SOCKET: JsonSchema = {
  type: "string",
  pattern: "^(\\[[0-9A-Fa-f:.]+(%[^\\s\\]]+)?\\]|[^\\s:\\[\\]]+):[0-9]{1,5}$",
  expected: "address:port, such as 127.0.0.1:9000 or [::1]:9000",
};

export const ATTACHMENT_KINDS: Readonly<Record<string, JsonSchema>> = {
  tap: {
    type: "object",
    description: "A TAP device of this machine's kernel (Linux, root).",
    additionalProperties: false,
    required: ["name"],
    properties: {
      name: { ...REF("InterfaceName"), description: "Its name. It is made, and removed at the end." },
      netns: { ...REF("Name"), description: "The network namespace it is moved to. Made if it is not there." },
      addresses: {
        type: "array",
        description: "Addresses that the kernel gets on it.",
        items: REF("AddressWithPrefix"),
        uniqueItems: true,
      },
      routes: {
        type: "array",
        description: "Routes of the kernel through it.",
        items: {
          type: "object",
          additionalProperties: false,
          required: ["to", "via"],
          properties: {
            to: { ...REF("Destination"), description: "What it leads to." },
            via: { ...REF("Address"), description: "The next hop." },
          },
        },
      },
      mac: { ...REF("Mac"), description: "Default: one that the kernel draws." },
      mtu: { type: "integer", minimum: 68, maximum: 65_521, default: 1500, description: "Bytes of an IP packet." },
    },
  },
  udp: {
    type: "object",
    description: "Frames as UDP datagrams: bare Ethernet (QEMU's -netdev dgram) or L2TPv3 (RFC 3931).",
    additionalProperties: false,
    required: ["bind"],
    properties: {
      bind: { ...SOCKET, description: "Where datagrams are received." },
      to: { ...SOCKET, description: "Where they are sent. Default: whence the last one came." },
      l2tpv3: {
        type: "object",
        description: "Put an L2TPv3 header in front of each frame.",
        additionalProperties: false,
        properties: {
          session: { type: "integer", minimum: 1, maximum: 4294967295, default: 1, description: "Sent." },
          peerSession: { type: "integer", minimum: 1, maximum: 4294967295, description: "Expected. Default: session." },
        },
      },
    },
  },
  stream: {
    type: "object",
    description: "Frames in a byte stream, each after its length (QEMU's -netdev stream).",
    additionalProperties: false,
    properties: {
      listen: { ...SOCKET, description: "Wait for the peer here." },
      connect: { ...SOCKET, description: "Or connect to it." },
    },
  },
  replay: {
    type: "object",
    description:
      "A captured file (pcapng or pcap) whose frames come in with their own timing. What arrives is counted.",
    additionalProperties: false,
    properties: {
      file: { type: "string", minLength: 1, description: "Path, relative to the scenario file." },
      speed: { type: "number", minimum: 0.000001, maximum: 1_000_000, default: 1, description: "2: twice as fast." },
      loop: { type: "integer", minimum: 1, maximum: 1_000_000, default: 1, description: "How many times." },
    },
  },
};
