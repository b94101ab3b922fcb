import type { ObjectDefinition } from "../schema/json-schema.ts";

/** A name of a host, link, attachment or traffic: what fits into a file name and a `host:interface`. */
const NAME = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$";
/** An interface name as Linux takes it: at most 15 bytes (IFNAMSIZ), no slash, no colon, no space. */
const INTERFACE = "^[^\\s/:]{1,15}$";

/** Names, and quantities with their units as `tc` and `ip` spell them. */
export const QUANTITIES: Readonly<Record<string, ObjectDefinition>> = {
  Name: {
    type: "string",
    pattern: NAME,
    expected: "a name of letters, digits, '_', '-' and '.' (at most 63)",
  },
  InterfaceName: {
    type: "string",
    pattern: INTERFACE,
    expected: "an interface name: 1 to 15 characters without '/', ':' or space (IFNAMSIZ)",
  },
  Duration: {
    description: "A time with its unit: ns, us, ms, s, min, h.",
    type: "string",
    pattern: "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|min|h)$",
    expected: "a time with its unit, such as 20ms",
    tsType: '`${number}${"ns" | "us" | "ms" | "s" | "min" | "h"}`',
    examples: ["20ms", "1.5s", "10us"],
  },
  Rate: {
    description: "Bits per second, decimal (kbit = 1000 bit/s) as tc counts them: bit, kbit, mbit, gbit, tbit.",
    type: "string",
    pattern: "^[0-9]+(\\.[0-9]+)?[kKmMgGtT]?bit$",
    expected: "a rate in bits per second, such as 50mbit",
    tsType: '`${number}${"" | "k" | "m" | "g" | "t" | "K" | "M" | "G" | "T"}bit`',
    examples: ["50mbit", "1gbit", "1.5mbit"],
  },
  Percent: {
    description: "A probability.",
    type: "string",
    pattern: "^([0-9]{1,2}(\\.[0-9]+)?|100(\\.0+)?)%$",
    expected: "a percentage from 0% to 100%, such as 1%",
    tsType: "`${number}%`",
    examples: ["1%", "0.1%"],
  },
  Size: {
    description: "A number of bytes; kb and mb are 1024-based, as tc counts them.",
    type: "string",
    pattern: "^[0-9]+(\\.[0-9]+)?[kKmM]?b$",
    expected: "a number of bytes with its unit, such as 1500b or 64kb",
    tsType: '`${number}${"" | "k" | "m" | "K" | "M"}b`',
    examples: ["1500b", "64kb"],
  },
  Limit: {
    description: "How much a queue holds: packets (100p) or bytes (64kb).",
    type: "string",
    pattern: "^([0-9]+p|[0-9]+(\\.[0-9]+)?[kKmM]?b)$",
    expected: "a queue limit in packets or bytes, such as 100p or 64kb",
    tsType: '`${number}${"p" | "b" | "kb" | "mb" | "Kb" | "Mb"}`',
    examples: ["100p", "64kb"],
  },
  Mac: {
    description: "An Ethernet address.",
    type: "string",
    pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$",
    expected: "an Ethernet address, such as 02:00:00:00:00:01",
  },
  Address: {
    description: "An IPv4 or IPv6 address.",
    type: "string",
    pattern: "^[0-9A-Fa-f:.]+(%[^\\s/]+)?$",
    expected: "an IPv4 or IPv6 address",
  },
  AddressWithPrefix: {
    description: "An interface's address and the length of its on-link prefix.",
    type: "string",
    pattern: "^[0-9A-Fa-f:.]+/[0-9]{1,3}$",
    expected: "an address with its prefix length, such as 10.0.1.2/24 or 2001:db8:1::2/64",
  },
  Destination: {
    description: "A prefix, or `default` (then `via` says of which family).",
    type: "string",
    pattern: "^(default|[0-9A-Fa-f:.]+(/[0-9]{1,3})?)$",
    expected: "a prefix such as 10.0.0.0/8, or default",
  },
  Endpoint: {
    description: "An end of a link: `host:interface`, or the name of an attachment.",
    type: "string",
    pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}(:[^\\s/:]{1,15})?$",
    expected: "host:interface, or the name of an attachment",
  },
};
