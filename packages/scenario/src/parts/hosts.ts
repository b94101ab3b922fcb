import type { ObjectDefinition } from "../schema/json-schema.ts";

const REF = (name: string): { $ref: string } => ({ $ref: `#/$defs/${name}` });

/** The file itself, hosts, interfaces, routes. */
export const HOSTS: Readonly<Record<string, ObjectDefinition>> = {
  Scenario: {
    description: "A network, what happens on it, and for how long.",
    type: "object",
    additionalProperties: false,
    required: ["name", "hosts"],
    properties: {
      name: { ...REF("Name"), description: "What reports and output directories call it." },
      description: { type: "string", description: "What it shows, for people." },
      seed: {
        type: "integer",
        minimum: 0,
        maximum: 9007199254740991,
        default: 1,
        description: "Where all randomness comes from. The same file and seed give the same bytes on every machine.",
      },
      duration: { ...REF("Duration"), default: "10s", description: "How long it runs, in virtual time." },
      defaults: {
        type: "string",
        enum: ["safe", "linux-exact"],
        default: "safe",
        description: "`safe`: where Seville does better than Linux, it does; `linux-exact`: as the kernel does.",
      },
      realtime: {
        type: "boolean",
        default: false,
        description: "Keep pace with the wall clock. Attachments to the outside need it. Such a run is not repeatable.",
      },
      sampling: { ...REF("Duration"), description: "Time between samples of the series. Default: duration / 500." },
      hosts: {
        type: "object",
        description: "The machines, by name. May be empty if there are fabrics.",
        propertyNames: REF("Name"),
        additionalProperties: REF("Host"),
      },
      links: {
        type: "object",
        description: "The cables, by name.",
        propertyNames: REF("Name"),
        additionalProperties: REF("Link"),
      },
      attachments: {
        type: "object",
        description: "Ends of links that lie outside the simulation, by name.",
        propertyNames: REF("Name"),
        additionalProperties: REF("Attachment"),
      },
      traffic: {
        type: "object",
        description: "What hosts send, by name.",
        propertyNames: REF("Name"),
        additionalProperties: REF("Traffic"),
      },
      timeline: { type: "array", description: "What happens, and when.", items: REF("Event") },
      captures: { ...REF("Captures"), description: "What is captured when captures are asked for." },
      quick: {
        type: "object",
        description: "What `seville run --quick` changes, by path, such as duration: 200ms.",
        additionalProperties: { anyOf: [{ type: "string" }, { type: "number" }, { type: "boolean" }] },
      },
    },
  },
  Host: {
    description: "A machine with interfaces.",
    type: "object",
    additionalProperties: false,
    properties: {
      kind: {
        type: "string",
        enum: ["host", "router"],
        default: "host",
        description: "`router`: forwards IPv4 and IPv6 and accepts no router advertisements.",
      },
      description: { type: "string", description: "For people." },
      interfaces: {
        type: "object",
        description: "Its network interfaces, by name.",
        propertyNames: REF("InterfaceName"),
        additionalProperties: REF("Interface"),
      },
      routes: { type: "array", description: "Static routes.", items: REF("Route") },
      forwarding: { type: "boolean", description: "Forward packets. Default: as `kind` says." },
      sysctls: {
        type: "object",
        description: "Settings by their Linux names, set before the interfaces come up.",
        propertyNames: {
          type: "string",
          pattern: "^[a-z0-9_]+([./][A-Za-z0-9_-]+)+$",
          expected: "the name of a sysctl, such as net.ipv4.ip_forward",
        },
        additionalProperties: { anyOf: [{ type: "integer" }, { type: "string" }] },
      },
    },
  },
  Interface: {
    description: "A network interface. Its device is Ethernet unless a key of a part says otherwise.",
    type: "object",
    additionalProperties: false,
    properties: {
      addresses: {
        type: "array",
        description: "Addresses with their prefix lengths.",
        items: REF("AddressWithPrefix"),
        uniqueItems: true,
      },
      mac: { ...REF("Mac"), description: "Default: made from the order of hosts and interfaces in the file." },
      mtu: { type: "integer", minimum: 68, maximum: 65535, default: 1500, description: "Bytes of an IP packet." },
      up: { type: "boolean", default: true, description: "Whether it is up when time begins." },
      advertise: {
        anyOf: [{ type: "boolean" }, REF("Advertise")],
        description: "Send router advertisements (RFC 4861 §6.2). `true`: for the prefixes of its IPv6 addresses.",
      },
    },
  },
  Advertise: {
    description: "What router advertisements say (RFC 4861 §6.2.1).",
    type: "object",
    additionalProperties: false,
    properties: {
      prefixes: {
        type: "array",
        description: "On-link prefixes for autoconfiguration. Default: those of the interface's IPv6 addresses.",
        items: REF("AddressWithPrefix"),
        uniqueItems: true,
      },
      interval: { ...REF("Duration"), default: "200s", description: "MaxRtrAdvInterval." },
      lifetime: { ...REF("Duration"), default: "1800s", description: "As a default router; 0s: not one." },
      mtu: { type: "integer", minimum: 1280, maximum: 65535, description: "The MTU option." },
      hopLimit: { type: "integer", minimum: 0, maximum: 255, default: 64, description: "CurHopLimit." },
    },
  },
  Route: {
    description: "A static route, as `ip route add` takes it.",
    type: "object",
    additionalProperties: false,
    required: ["to"],
    properties: {
      to: { ...REF("Destination"), description: "What it leads to." },
      via: { ...REF("Address"), description: "The next hop." },
      dev: { ...REF("InterfaceName"), description: "The interface." },
      metric: { type: "integer", minimum: 0, maximum: 4294967295, description: "Lower is preferred." },
    },
  },
  Captures: {
    description: "Limits what captures hold.",
    type: "object",
    additionalProperties: false,
    properties: {
      interfaces: {
        type: "array",
        description: "Which interfaces (`host:interface`). Default: all.",
        items: REF("Endpoint"),
        uniqueItems: true,
      },
      fcsErrors: {
        type: "string",
        enum: ["header", "full", "none"],
        default: "header",
        description:
          "What a wire capture keeps of a frame that failed its check sequence at the receiver (it is marked as such): its Ethernet header, all of it, or nothing.",
      },
      snaplen: { type: "integer", minimum: 14, maximum: 262144, description: "Bytes of each frame that are kept." },
    },
  },
};
