import { bindSums, blockAdd, finish, fold, type PartialSum } from "@seville/checksum";
import type { PacketMemory } from "@seville/core";
import { NONE } from "../plan.ts";

/**
 * Makes the segments of a plan in plain TypeScript: for hosts without WebAssembly SIMD, and the version to read. The
 * kernel in assembly/split.ts does the same and is tested against it.
 */
export function splitTypeScript(memory: PacketMemory, plan: number): () => void {
  const { u8, view } = memory;
  const sums = bindSums(memory);
  const words = new Uint32Array(memory.buffer);
  const word = (offset: number): number => words[(plan + offset) >>> 2] as number;

  return () => {
    const headerBytes = word(4);
    for (let i = 0; i < word(0); i++) {
      const segment = 192 + i * 32;
      const target = word(segment);
      const template = 96 + word(segment + 16) * 32;
      const headers = word(template);
      u8.copyWithin(target, headers, headers + headerBytes);
      const payloadSum = copyPieces(target + headerBytes, segment);
      numberIps(template, target, word(segment + 24));
      finishTransport(template, target, word(segment + 20), payloadSum);
    }
  };

  function numberIps(template: number, target: number, increment: number): void {
    for (let i = 0; i < word(24); i++) {
      const at = target + word(32 + i * 16);
      const identification = (word(36 + i * 16) + increment) & 0xffff;
      view.setUint16(at + 4, identification);
      view.setUint16(at + 10, finish(word(template + 8 + i * 4) + identification));
    }
  }

  function finishTransport(template: number, target: number, offset: number, payloadSum: PartialSum): void {
    const checksumField = word(8);
    const sequenceField = word(16);
    let sum = blockAdd(word(template + 4), payloadSum, 0);
    if (sequenceField !== NONE) {
      const sequence = (word(20) + offset) >>> 0;
      view.setUint32(target + sequenceField, sequence);
      sum = blockAdd(sum, sequence, 0);
    }
    if (checksumField === NONE) return;
    const checksum = finish(sum);
    view.setUint16(target + checksumField, checksum === 0 && word(12) !== 0 ? 0xffff : checksum);
  }

  function copyPieces(target: number, segment: number): PartialSum {
    const pieces = word(segment + 12);
    const source = word(segment + 8);
    if (pieces === 1) return sums.copyAndSum(target, source, word(segment + 4));
    let total = 0;
    let done = 0;
    for (let i = 0; i < pieces; i++) {
      const piece = (source >>> 2) + i * 2;
      const length = words[piece + 1] as number;
      total = blockAdd(total, fold(sums.copyAndSum(target + done, words[piece] as number, length)), done);
      done += length;
    }
    return total;
  }
}
