import { checksum, splice, viewOf, type Mutation } from "./mutation.ts";

/*
 * GRE (RFC 2784, RFC 2890): flags and version, protocol, then checksum and reserved (C), key (K), sequence number (S).
 */
const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;

const flagsOf = (packet: Uint8Array, at: number): number => viewOf(packet).getUint16(at);
const keyAt = (flags: number, at: number): number => at + 4 + ((flags & CHECKSUM) === 0 ? 0 : 4);
const sequenceAt = (flags: number, at: number): number => keyAt(flags, at) + ((flags & KEY) === 0 ? 0 : 4);

/** Makes the checksum right, if there is one. */
export function fixGreChecksum(packet: Uint8Array, at: number): Uint8Array {
  const view = viewOf(packet);
  if ((view.getUint16(at) & CHECKSUM) === 0) return packet;
  view.setUint16(at + 4, 0);
  view.setUint16(at + 4, checksum(packet.subarray(at)));
  return packet;
}

/** The sequence number, or `undefined` if there is none. */
export function greSequence(packet: Uint8Array, at: number): number | undefined {
  const flags = flagsOf(packet, at);
  return (flags & SEQUENCE) === 0 ? undefined : viewOf(packet).getUint32(sequenceAt(flags, at));
}

export function setGreSequence(packet: Uint8Array, at: number, sequence: number): Uint8Array {
  const flags = flagsOf(packet, at);
  if ((flags & SEQUENCE) !== 0) viewOf(packet).setUint32(sequenceAt(flags, at), sequence >>> 0);
  return fixGreChecksum(packet, at);
}

const setFlags = (packet: Uint8Array, at: number, change: (flags: number) => number): Uint8Array => {
  viewOf(packet).setUint16(at, change(flagsOf(packet, at)));
  return packet;
};

/** For every GRE tunnel. */
const COMMON: readonly Mutation[] = [
  { name: "unchanged", apply: (packet) => packet },
  {
    name: "version 1",
    apply: (packet, at) =>
      fixGreChecksum(
        setFlags(packet, at, (flags) => flags | 1),
        at,
      ),
  },
  {
    name: "source route",
    apply: (packet, at) =>
      fixGreChecksum(
        setFlags(packet, at, (flags) => flags | ROUTING),
        at,
      ),
  },
  { name: "cut in its header", apply: (packet, at) => packet.slice(0, at + 3) },
];

const WITH_KEY: readonly Mutation[] = [
  {
    name: "another key",
    apply(packet, at) {
      const where = keyAt(flagsOf(packet, at), at);
      viewOf(packet).setUint32(where, viewOf(packet).getUint32(where) + 1);
      return fixGreChecksum(packet, at);
    },
  },
  {
    name: "no key",
    apply(packet, at) {
      const where = keyAt(flagsOf(packet, at), at);
      return fixGreChecksum(
        setFlags(splice(packet, where, 4), at, (flags) => flags & ~KEY),
        at,
      );
    },
  },
];

const WITHOUT_KEY: readonly Mutation[] = [
  {
    name: "a key",
    apply(packet, at) {
      const where = keyAt(flagsOf(packet, at), at);
      return fixGreChecksum(
        setFlags(splice(packet, where, 0, [0, 0, 0, 9]), at, (flags) => flags | KEY),
        at,
      );
    },
  },
];

const WITH_CHECKSUM: readonly Mutation[] = [
  {
    name: "a wrong checksum",
    apply(packet, at) {
      viewOf(packet).setUint16(at + 4, viewOf(packet).getUint16(at + 4) ^ 0x0101);
      return packet;
    },
  },
  {
    name: "no checksum",
    apply: (packet, at) => setFlags(splice(packet, at + 4, 4), at, (flags) => flags & ~CHECKSUM),
  },
];

const WITHOUT_CHECKSUM: readonly Mutation[] = [
  {
    name: "a right checksum",
    apply: (packet, at) =>
      fixGreChecksum(
        setFlags(splice(packet, at + 4, 0, [0, 0, 0, 0]), at, (flags) => flags | CHECKSUM),
        at,
      ),
  },
  {
    name: "an unexpected and wrong checksum",
    apply: (packet, at) => setFlags(splice(packet, at + 4, 0, [1, 2, 0, 0]), at, (flags) => flags | CHECKSUM),
  },
];

const WITH_SEQUENCE: readonly Mutation[] = [
  {
    name: "an older sequence number",
    apply: (packet, at) => setGreSequence(packet, at, (greSequence(packet, at) ?? 0) - 5),
  },
  {
    name: "a gap in sequence numbers",
    apply: (packet, at) => setGreSequence(packet, at, (greSequence(packet, at) ?? 0) + 5),
  },
  {
    name: "no sequence number",
    apply(packet, at) {
      const where = sequenceAt(flagsOf(packet, at), at);
      return fixGreChecksum(
        setFlags(splice(packet, where, 4), at, (flags) => flags & ~SEQUENCE),
        at,
      );
    },
  },
];

const WITHOUT_SEQUENCE: readonly Mutation[] = [
  {
    name: "a sequence number",
    apply(packet, at) {
      const where = sequenceAt(flagsOf(packet, at), at);
      return fixGreChecksum(
        setFlags(splice(packet, where, 0, [0, 0, 0, 7]), at, (flags) => flags | SEQUENCE),
        at,
      );
    },
  },
];

/** What is tried on a GRE or GRE-TAP tunnel with these fields. */
export function greMutations(has: {
  readonly key?: boolean;
  readonly csum?: boolean;
  readonly seq?: boolean;
}): readonly Mutation[] {
  return [
    ...COMMON,
    ...(has.key === true ? WITH_KEY : WITHOUT_KEY),
    ...(has.csum === true ? WITH_CHECKSUM : WITHOUT_CHECKSUM),
    ...(has.seq === true ? WITH_SEQUENCE : WITHOUT_SEQUENCE),
  ];
}

/** ERSPAN: GRE without key and checksum, then version and session (draft-foschiano-erspan §4). */
export function erspanMutations(version: 0 | 1 | 2): readonly Mutation[] {
  if (version === 0) return [...COMMON];
  return [
    ...COMMON,
    ...WITH_SEQUENCE,
    {
      name: "another session",
      apply(packet, at) {
        viewOf(packet).setUint8(at + 11, viewOf(packet).getUint8(at + 11) ^ 1);
        return packet;
      },
    },
    { name: "cut in the ERSPAN header", apply: (packet, at) => packet.slice(0, at + 12) },
  ];
}
