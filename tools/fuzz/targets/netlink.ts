import {
  addressMessage,
  decode,
  encode,
  linkMessage,
  messagesIn,
  neighbourMessage,
  NetlinkWriter,
  nexthopMessage,
  readAcknowledgement,
  routeMessage,
  ruleMessage,
  statsMessage,
  statsRequest,
  writeAcknowledgement,
  type MessageFormat,
  type Reading,
} from "../../../packages/netlink/src/index.ts";
import type { FuzzTarget } from "../target.ts";

const FORMATS = [
  linkMessage,
  addressMessage,
  routeMessage,
  ruleMessage,
  neighbourMessage,
  nexthopMessage,
  statsMessage,
  statsRequest,
] as unknown as readonly MessageFormat<object, object>[];

/**
 * Netlink messages of anybody, read as every kind there is. What was read without a complaint is written and read again: the same must come out.
 */
export const target: FuzzTarget = {
  run(input) {
    const strict = ((input[0] ?? 0) & 1) !== 0;
    for (const message of messagesIn(input.subarray(1))) {
      readAcknowledgement(message);
      for (const format of FORMATS) {
        const reading: Reading = { strict, problem: undefined };
        const first = decode(format, message, reading);
        if (reading.problem !== undefined) {
          if (reading.problem.offset > message.view.byteLength) throw new Error("a problem outside of the message");
          continue;
        }
        const out = new NetlinkWriter();
        out.message(message.type, 0, 1, 0, () => {
          encode(out, format, first);
        });
        const [again] = [...messagesIn(out.bytes())];
        if (again === undefined) throw new Error("what was written is no message");
        const second = decode(format, again, { strict: true, problem: undefined });
        const [before, after] = [first, second].map(inOrder);
        if (before !== after) throw new Error(`the second time it reads ${after ?? ""} instead of ${before ?? ""}`);
      }
    }
  },
  seeds() {
    return FORMATS.map((format) => {
      const message = new NetlinkWriter();
      message.message(24, 5, 1, 0, () => {
        encode(message, format, { attributes: attributesFor(format) });
      });
      const error = new NetlinkWriter();
      const quoted = { type: 24, flags: 5, sequence: 1, port: 0, bytes: message.bytes() };
      writeAcknowledgement(error, quoted, -22, { message: "no", offset: 20 });
      return Uint8Array.from([0, ...message.bytes(), ...error.bytes()]);
    });
  },
};

/** Of what is worth damaging, what `format` has. */
function attributesFor(format: MessageFormat<object, object>): object {
  const hop = { flags: 0, hops: 1, ifindex: 2, gateway: 0x0a00_0001 };
  const attributes = {
    linkinfo: { kind: "vrf", data: { table: 9 }, slaveKind: "vrf", slaveData: { table: 9 } },
    propList: { altIfnames: ["a"] },
    multipath: [hop, hop],
    metrics: { mtu: 1400 },
    via: 0x0a00_0002,
    dst: 0x0a00_0000,
    filters: { offloadXstats: 1 },
    link64: { rx_packets: 5 },
  };
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => key in format.attributes));
}

/** As JSON with the properties by name: attributes may come in any order. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
