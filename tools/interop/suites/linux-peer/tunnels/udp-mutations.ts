import { splice, viewOf, type Mutation } from "./mutation.ts";

/*
 * Tunnels in UDP: 8 bytes of UDP header, then theirs. Changes behind the UDP header are made with its checksum 0 where that says
 * "none" (IPv4), else with a checksum that was corrected (RFC 1624).
 */
const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;
const TUNNEL = 8;

/** Writes a 16-bit word and corrects the UDP checksum, unless there is none. */
function setWord(packet: Uint8Array, at: number, where: number, value: number): Uint8Array {
  const view = viewOf(packet);
  const before = view.getUint16(where);
  view.setUint16(where, value);
  const was = view.getUint16(at + UDP_CHECKSUM);
  if (was === 0) return packet;
  let sum = (~was & 0xffff) + (~before & 0xffff) + value;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const now = ~sum & 0xffff;
  view.setUint16(at + UDP_CHECKSUM, now === 0 ? 0xffff : now);
  return packet;
}

const wordAt = (packet: Uint8Array, where: number): number => viewOf(packet).getUint16(where);
const change =
  (offset: number, to: (word: number) => number): Mutation["apply"] =>
  (packet, at) =>
    setWord(packet, at, at + offset, to(wordAt(packet, at + offset)));

/** `packet` that ends after `length` bytes of UDP, whose header says so. */
function cut(packet: Uint8Array, at: number, length: number): Uint8Array {
  const short = packet.slice(0, at + length);
  viewOf(short).setUint16(at + UDP_LENGTH, length);
  viewOf(short).setUint16(at + UDP_CHECKSUM, 0);
  return short;
}

const COMMON: readonly Mutation[] = [
  { name: "unchanged", apply: (packet) => packet },
  {
    name: "no UDP checksum",
    apply(packet, at) {
      viewOf(packet).setUint16(at + UDP_CHECKSUM, 0);
      return packet;
    },
  },
  {
    name: "a wrong UDP checksum",
    apply(packet, at) {
      // 0 and 0xffff would be none and the same.
      const was = wordAt(packet, at + UDP_CHECKSUM);
      viewOf(packet).setUint16(at + UDP_CHECKSUM, was === 0x1234 ? 0x1235 : 0x1234);
      return packet;
    },
  },
  {
    name: "a UDP length beyond the packet",
    apply(packet, at) {
      viewOf(packet).setUint16(at + UDP_LENGTH, packet.length - at + 1);
      return packet;
    },
  },
];

/** For IPv4 alone: without a checksum, so that only the length is wrong. */
const truncated: Mutation = { name: "cut in the tunnel's header", apply: (packet, at) => cut(packet, at, TUNNEL + 7) };

/** VXLAN (RFC 7348 §5): flags, reserved, VNI, reserved. */
export function vxlanMutations(underlay: 4 | 6): readonly Mutation[] {
  return [
    ...COMMON,
    ...(underlay === 4 ? [truncated] : []),
    { name: "another VNI", apply: change(TUNNEL + 6, (word) => word ^ 0x4000) },
    { name: "without the I flag", apply: change(TUNNEL, (word) => word & ~0x0800) },
    { name: "an unknown flag", apply: change(TUNNEL, (word) => word | 0x0001) },
    { name: "an unknown bit behind the VNI", apply: change(TUNNEL + 6, (word) => word | 0x0001) },
  ];
}

/** With group policy (draft-smith-vxlan-group-policy §2.1): G, D and A bits, and the policy's number. */
export const GBP_MUTATIONS: readonly Mutation[] = [
  {
    name: "a group policy",
    apply: (packet, at) => change(TUNNEL, (word) => word | 0x8000)(change(TUNNEL + 2, () => 7)(packet, at), at),
  },
];

/** Geneve (RFC 8926 §3.4): version and option length, flags, protocol, VNI, reserved; then options. */
export function geneveMutations(underlay: 4 | 6): readonly Mutation[] {
  const withOption =
    (type: number, flags = 0): Mutation["apply"] =>
    (packet, at) => {
      const longer = splice(packet, at + TUNNEL + 8, 0, [0x01, 0x02, type, 0x01, 1, 2, 3, 4]);
      const view = viewOf(longer);
      view.setUint16(at + UDP_LENGTH, longer.length - at);
      view.setUint8(at + TUNNEL, 2);
      view.setUint8(at + TUNNEL + 1, flags);
      view.setUint16(at + UDP_CHECKSUM, 0);
      return longer;
    };
  return [
    ...COMMON,
    ...(underlay === 4
      ? [
          truncated,
          { name: "an unknown option", apply: withOption(0x05) },
          { name: "an unknown critical option", apply: withOption(0x85, 0x40) },
          {
            name: "an unknown critical option without the C bit",
            stricter: "a sender that lies about its options is not trusted (RFC 8926 §3.4 lets either be done)",
            apply: withOption(0x85),
          },
        ]
      : []),
    { name: "another VNI", apply: change(TUNNEL + 6, (word) => word ^ 0x4000) },
    { name: "version 1", apply: change(TUNNEL, (word) => word | 0x4000) },
    { name: "options beyond the packet", apply: change(TUNNEL, (word) => word | 0x3f00) },
    { name: "a control packet", apply: change(TUNNEL, (word) => word | 0x0080) },
    { name: "an unknown EtherType", apply: change(TUNNEL + 2, () => 0x9999) },
  ];
}

/** FOU: what follows is what the port stands for. */
export const FOU_MUTATIONS: readonly Mutation[] = [
  ...COMMON,
  { name: "cut in the inner header", apply: (packet, at) => cut(packet, at, TUNNEL + 3) },
];

/** GUE (draft-ietf-intarea-gue §3.1): variant, C and length, protocol, flags. */
export const GUE_MUTATIONS: readonly Mutation[] = [
  ...COMMON,
  { name: "a control message", apply: change(TUNNEL, (word) => word | 0x2000) },
  { name: "an unknown flag", apply: change(TUNNEL + 2, (word) => word | 0x0001) },
  { name: "variant 2", apply: change(TUNNEL, (word) => word | 0x8000) },
  { name: "a protocol that nobody has", apply: change(TUNNEL, (word) => (word & 0xff00) | 0xfd) },
  { name: "a header longer than the packet", apply: change(TUNNEL, (word) => word | 0x1f00) },
];
