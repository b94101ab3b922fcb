import type { JsonSchema } from "../schema/json-schema.ts";
import { ENDS, PORT, REF } from "./traffic.ts";

const CONGESTION: JsonSchema = {
  type: "string",
  enum: ["reno", "cubic", "bbr", "bbr3", "dctcp"],
  description: "The sender's congestion control. Default: the host's `net.ipv4.tcp_congestion_control`.",
};

/** `tcp` and `tcpRequests`. */
export const TCP_TRAFFIC: Readonly<Record<string, JsonSchema>> = {
  tcp: {
    type: "object",
    description: "Bulk transfer over TCP: the sender always has something to send.",
    additionalProperties: false,
    required: ["from", "to"],
    properties: {
      ...ENDS,
      port: { ...PORT, default: 5201, description: "Destination port." },
      bytes: { ...REF("Size"), description: "How much. Default: until it is stopped." },
      congestion: CONGESTION,
      connections: { type: "integer", minimum: 1, maximum: 1000, default: 1, description: "Side by side." },
      receiveBuffer: { ...REF("Size"), description: "SO_RCVBUF of the receiver. Default: it tunes itself." },
    },
  },
  tcpRequests: {
    type: "object",
    description: "Requests and answers over TCP: how long a program waits.",
    additionalProperties: false,
    required: ["from", "to"],
    properties: {
      ...ENDS,
      port: { ...PORT, default: 80, description: "Destination port." },
      interval: { ...REF("Duration"), default: "100ms", description: "Between requests, whether answered or not." },
      request: { ...REF("Size"), default: "100b", description: "Bytes of a request." },
      response: { ...REF("Size"), default: "1kb", description: "Bytes of an answer." },
      count: { type: "integer", minimum: 1, maximum: 1_000_000_000, description: "Default: until it is stopped." },
      timeout: { ...REF("Duration"), default: "10s", description: "An answer later than this counts as lost." },
      fresh: { type: "boolean", default: false, description: "A connection for each request." },
      fastOpen: { type: "boolean", default: false, description: "With `fresh`: the request goes with the SYN." },
      congestion: CONGESTION,
    },
  },
};
