import { splice, viewOf, type Mutation } from "./mutation.ts";

/** IP in IP (RFC 2003, RFC 4213, RFC 2473): what can be wrong is the inner header, and who sends. */
export const IP_MUTATIONS: readonly Mutation[] = [
  { name: "unchanged", apply: (packet) => packet },
  { name: "cut in the inner header", apply: (packet, at) => packet.slice(0, at + 11) },
  {
    name: "an inner version that is none",
    apply(packet: Uint8Array, at: number): Uint8Array {
      viewOf(packet).setUint8(at, 0x95);
      return packet;
    },
  },
  { name: "padding behind the inner packet", apply: (packet) => splice(packet, packet.length, 0, [0, 0, 0, 0, 0]) },
  {
    name: "another sender",
    apply(packet: Uint8Array): Uint8Array {
      const view = viewOf(packet);
      const last = view.getUint8(0) >>> 4 === 4 ? 15 : 23;
      view.setUint8(last, view.getUint8(last) ^ 0x40);
      return packet;
    },
  },
];
