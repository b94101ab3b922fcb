import type { Random } from "../../packages/core/src/random.ts";

/** Longest input that mutation makes. */
export const MAX_INPUT = 4096;

const INTERESTING = [0, 1, 2, 4, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];

/** What mutations draw from, beside chance. */
export interface MutationSources {
  readonly random: Random;
  readonly literals: readonly number[];
  readonly corpus: readonly Uint8Array[];
}

/** A changed copy of `input`: one to eight changes, each of a kind drawn by lot. */
export function mutate(input: Uint8Array, sources: MutationSources): Uint8Array {
  let output: Uint8Array = input.slice();
  const changes = 1 + sources.random.below(8);
  for (let i = 0; i < changes; i++) {
    const mutation = MUTATIONS[sources.random.below(MUTATIONS.length)] as Mutation;
    output = mutation(output, sources);
  }
  return output.length > MAX_INPUT ? output.slice(0, MAX_INPUT) : output;
}

type Mutation = (bytes: Uint8Array, sources: MutationSources) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  addToByte,
  (bytes, sources) => putInteger(bytes, pick(INTERESTING, sources.random), sources.random),
  (bytes, sources) => putInteger(bytes, pick(sources.literals, sources.random), sources.random),
  putLength,
  insert,
  remove,
  duplicate,
  splice,
  truncate,
];

function flipBit(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

function setByte(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

function addToByte(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) + random.below(33) - 16;
  return bytes;
}

/** Overwrites one, two or four bytes with `value`, in either byte order. */
function putInteger(bytes: Uint8Array, value: number, random: Random): Uint8Array {
  const size = value > 0xffff ? 4 : value > 0xff ? 2 : 1 << random.below(3);
  if (bytes.length < size) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = random.below(bytes.length - size + 1);
  const littleEndian = random.below(2) === 1;
  if (size === 1) view.setUint8(at, value);
  else if (size === 2) view.setUint16(at, value, littleEndian);
  else view.setUint32(at, value, littleEndian);
  return bytes;
}

/** Writes how many bytes follow (or nearly so many): what length fields hold. */
function putLength(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  if (bytes.length < 2) return bytes;
  const at = random.below(bytes.length - 1);
  const value = bytes.length - random.below(Math.min(bytes.length, 64)) + random.below(5) - 2;
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(at, value, random.below(8) === 0);
  return bytes;
}

function insert(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  const at = random.below(bytes.length + 1);
  const count = 1 + random.below(16);
  const output = new Uint8Array(bytes.length + count);
  output.set(bytes.subarray(0, at));
  for (let i = 0; i < count; i++) output[at + i] = random.below(256);
  output.set(bytes.subarray(at), at + count);
  return output;
}

function remove(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  const count = 1 + random.below(Math.min(16, bytes.length - at));
  const output = new Uint8Array(bytes.length - count);
  output.set(bytes.subarray(0, at));
  output.set(bytes.subarray(at + count), at);
  return output;
}

/** Repeats a stretch: nested headers, many options. */
function duplicate(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  if (bytes.length === 0 || bytes.length > MAX_INPUT / 2) return bytes;
  const at = random.below(bytes.length);
  const count = 1 + random.below(Math.min(64, bytes.length - at));
  const output = new Uint8Array(bytes.length + count);
  output.set(bytes.subarray(0, at + count));
  output.set(bytes.subarray(at), at + count);
  return output;
}

/** The head of one input and the tail of another. */
function splice(bytes: Uint8Array, { random, corpus }: MutationSources): Uint8Array {
  const other = pick(corpus, random);
  const head = random.below(bytes.length + 1);
  const tail = random.below(other.length + 1);
  const output = new Uint8Array(head + other.length - tail);
  output.set(bytes.subarray(0, head));
  output.set(other.subarray(tail), head);
  return output;
}

function truncate(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[random.below(from.length)] as T;
}
