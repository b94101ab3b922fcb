import { add, bindBareSums, blockAdd, finish, fold, type PartialSum } from "@seville/checksum";
import type { PacketMemory } from "@seville/core";
import { MIDDLE, NONE, PLAN_IPS, PLAN_PIECE_COUNTS, PLAN_PIECES, PLAN_TARGETS, PLAN_TEMPLATES } from "../plan.ts";

/**
 * Makes the segments of a plan in plain TypeScript: for hosts without WebAssembly SIMD, and the version to read. The
 * kernel in assembly/split.ts does the same and is tested against it.
 */
export function splitTypeScript(memory: PacketMemory, plan: number): () => void {
  const { u8, view } = memory;
  const sums = bindBareSums(memory);
  const words = new Uint32Array(memory.buffer);
  const word = (offset: number): number => words[(plan + offset) >>> 2] as number;

  return () => {
    const count = word(0);
    const headerBytes = word(4);
    let source = word(52);
    const isWhole = source !== 0;
    let piece = PLAN_PIECES;
    for (let i = 0; i < count; i++) {
      const isLast = i === count - 1;
      const length = isLast ? word(32) : word(28);
      const index = isLast ? word(48) : i === 0 ? word(44) : MIDDLE;
      const template = PLAN_TEMPLATES + index * 32;
      const target = word(PLAN_TARGETS + i * 4);
      u8.copyWithin(target, word(template), word(template) + headerBytes);
      let payloadSum = 0;
      if (isWhole) {
        payloadSum = sums.copyAndSum(target + headerBytes, source, length);
        source += length;
      } else {
        const pieces = word(PLAN_PIECE_COUNTS + i * 4);
        payloadSum = copyPieces(target + headerBytes, piece, pieces);
        piece += pieces * 8;
      }
      numberIps(template, target, word(40) + i * word(36));
      finishTransport(template, target, (word(20) + i * word(28)) >>> 0, payloadSum);
    }
  };

  function numberIps(template: number, target: number, grown: number): void {
    for (let i = 0; i < word(24); i++) {
      const at = target + word(PLAN_IPS + i * 16);
      const identification = (word(PLAN_IPS + 4 + i * 16) + grown) & 0xffff;
      view.setUint16(at + 4, identification);
      view.setUint16(at + 10, finish(word(template + 8 + i * 4) + identification));
    }
  }

  function finishTransport(template: number, target: number, sequence: number, payloadSum: PartialSum): void {
    const checksumField = word(8);
    const sequenceField = word(16);
    let sum = add(word(template + 4), payloadSum);
    if (sequenceField !== NONE) {
      view.setUint32(target + sequenceField, sequence);
      sum = add(sum, sequence);
    }
    if (checksumField === NONE) return;
    const checksum = finish(sum);
    view.setUint16(target + checksumField, checksum === 0 && word(12) !== 0 ? 0xffff : checksum);
  }

  function copyPieces(target: number, first: number, pieces: number): PartialSum {
    let total = 0;
    let done = 0;
    for (let at = first; at < first + pieces * 8; at += 8) {
      const length = word(at + 4);
      total = blockAdd(total, fold(sums.copyAndSum(target + done, word(at), length)), done);
      done += length;
    }
    return total;
  }
}
