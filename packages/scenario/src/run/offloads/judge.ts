import { CHECKSUM_COMPLETE, CHECKSUM_UNNECESSARY } from "@seville/packet";
import { FIRST_SEQUENCE, payloadByte, type InnerPacket } from "./inner-packet.ts";
import type { PostedDescriptor, Reading } from "./meter.ts";
import type { ChecksumPlace, OffloadReceipt, OffloadResult, VerifiedBy } from "./offload-result.ts";
import { readFrame, type FrameLevel, type ReadFrame } from "./read-frame.ts";

/** What one packet showed. */
export type Verdict = Pick<
  OffloadResult,
  "frames" | "checksums" | "segmentation" | "cpuSummed" | "cpuMoved" | "deviceSummed" | "right" | "faults"
>;

/** What frames and descriptors say of how a packet was sent. */
export function judge(inner: InnerPacket, frames: readonly Uint8Array[], reading: Reading): Verdict {
  const read = frames.map(readFrame);
  const levels = read[0]?.levels ?? [];
  const { descriptors, cpuSummed, cpuMoved, deviceSummed } = reading;
  const faults = [...new Set([...read.flatMap((frame) => frame.faults), ...payloadFaults(inner, frames, read)])];
  return {
    frames: frames.length,
    checksums: levels.map((level, i) => ({ header: level.header, place: placeOf(levels, i, descriptors[0]) })),
    segmentation: segmentationOf(frames.length, descriptors),
    cpuSummed,
    cpuMoved,
    deviceSummed,
    right: faults.length === 0,
    faults,
  };
}

/** What a receiving NIC reported, and who verified what. */
export function judgeReceipt(
  frames: readonly Uint8Array[],
  reading: Reading,
): Pick<OffloadReceipt, "report" | "csumLevel" | "checksums" | "cpuSummed" | "deviceSummed"> {
  const [first] = reading.frames;
  const levels = frames[0] === undefined ? [] : readFrame(frames[0]).levels;
  const report = reportOf(first?.ipSummed);
  return {
    report,
    csumLevel: first?.csumLevel ?? 0,
    checksums: levels.map((level) => ({
      header: level.header,
      by: level.checksum === "absent" ? "absent" : verifiedBy(reading, (first?.start ?? 0) + level.at, report),
    })),
    cpuSummed: reading.cpuSummed,
    deviceSummed: reading.deviceSummed,
  };
}

function reportOf(ipSummed: number | undefined): OffloadReceipt["report"] {
  if (ipSummed === CHECKSUM_COMPLETE) return "complete";
  return ipSummed === CHECKSUM_UNNECESSARY ? "unnecessary" : "none";
}

function verifiedBy({ verdicts }: Reading, at: number, report: OffloadReceipt["report"]): VerifiedBy {
  const verdict = verdicts.get(at);
  switch (verdict) {
    case undefined:
      return "nobody";
    case "unnecessary":
      return "device";
    case "complete":
      return report === "complete" ? "complete" : "known";
    case "fault":
      return "software";
    default:
      return verdict;
  }
}

function segmentationOf(frames: number, descriptors: readonly PostedDescriptor[]): OffloadResult["segmentation"] {
  const cut = descriptors.find(({ segmentation }) => segmentation !== undefined)?.segmentation;
  if (cut !== undefined) return cut.copyOuter || descriptors.length > 1 ? "partial" : "device";
  return frames > 1 ? "software" : "none";
}

function placeOf(
  levels: readonly FrameLevel[],
  index: number,
  descriptor: PostedDescriptor | undefined,
): ChecksumPlace {
  const level = levels[index];
  if (level === undefined || level.checksum === "absent") return "absent";
  if (descriptor === undefined) return "software";
  if (isDevices(level, index === levels.length - 1, descriptor)) return "device";
  // One outside the device's: all inside it sums to what the inner pseudo-header says (C24).
  const inside = levels.slice(index + 1);
  return inside.some((other) => isDevices(other, other === levels.at(-1), descriptor)) ? "lco" : "software";
}

function isDevices(level: FrameLevel, innermost: boolean, { checksum, segmentation }: PostedDescriptor): boolean {
  if (segmentation !== undefined) {
    if (innermost) return true;
    return (
      segmentation.tunnel?.checksum === true && !segmentation.copyOuter && segmentation.tunnel.transport === level.at
    );
  }
  return checksum !== undefined && checksum.start === level.at;
}

/** Whether the frames together carry the payload, once and in order. */
function payloadFaults(inner: InnerPacket, frames: readonly Uint8Array[], read: readonly ReadFrame[]): string[] {
  let at = 0;
  for (const [i, { payloadAt, payloadEnd, sequence }] of read.entries()) {
    if (inner.protocol === "tcp" && sequence !== FIRST_SEQUENCE + at) return ["a sequence number out of order"];
    for (let offset = payloadAt; offset < payloadEnd; offset++, at++) {
      if (frames[i]?.[offset] !== payloadByte(at)) return ["a payload that is not the sender's"];
    }
  }
  return at === inner.payload ? [] : [`${at} bytes of payload instead of ${inner.payload}`];
}
