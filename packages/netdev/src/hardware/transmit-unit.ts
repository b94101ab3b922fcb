import { checksumHelp, dataLength, finish, mangleZero, sumData, type ChecksumKernels } from "@seville/checksum";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type Packet } from "@seville/packet";
import { pushVlanInside } from "../transmit/vlan.ts";
import type { ChecksumRequest, SegmentationRequest, TxDescriptor } from "./descriptor.ts";
import { replicate } from "./segmentation-unit.ts";
import type { TxSilicon } from "./silicon.ts";
import { recognise } from "./transmit-parse.ts";

/** What the transmit side did with one descriptor. */
export interface TxResult {
  /** Frames for the wire, in order, as right or wrong as the hardware made them. */
  readonly frames: readonly Packet[];
  /** Descriptors that it could not carry out: nothing went out for them. */
  readonly error: "no-memory" | "bad-descriptor" | undefined;
}

const FAILED_MEMORY: TxResult = { frames: [], error: "no-memory" };
const BAD_DESCRIPTOR: TxResult = { frames: [], error: "bad-descriptor" };

/**
 * Carries a descriptor out as silicon does: without a look at what the stack meant. What comes out is finished as far as
 * this hardware can finish it; the rest is wrong on the wire. Takes the packet over.
 */
export function transmitFrames(kernels: ChecksumKernels, silicon: TxSilicon, descriptor: TxDescriptor): TxResult {
  const { packet } = descriptor;
  // The frame is read out of the host's memory, which stays as it is: from here on it is the device's own copy.
  if (!packet.linearize() || !packet.cow()) return failed(packet, FAILED_MEMORY);
  const result =
    descriptor.segmentation !== undefined && silicon.segmentation !== "none"
      ? segmentFrame(kernels, silicon, packet, descriptor.segmentation)
      : single(kernels, silicon, packet, descriptor.checksum);
  for (const frame of result.frames) forgetHost(frame);
  if (descriptor.vlanTci === -1 || !silicon.vlanInsertion) return result;
  return insertTags(result, descriptor.vlanTci);
}

function single(
  kernels: ChecksumKernels,
  silicon: TxSilicon,
  packet: Packet,
  request: ChecksumRequest | undefined,
): TxResult {
  if (request !== undefined && !computeChecksum(kernels, silicon, packet, request)) {
    return failed(packet, BAD_DESCRIPTOR);
  }
  return { frames: [packet], error: undefined };
}

/** `false`: the request points outside of the frame. */
function computeChecksum(
  kernels: ChecksumKernels,
  silicon: TxSilicon,
  packet: Packet,
  request: ChecksumRequest,
): boolean {
  if (request.kind === "crc32c" && !silicon.crc32c) return true;
  if (silicon.checksum === "none" && request.kind === "internet") return true;
  if (silicon.checksum === "parser" && request.kind === "internet") {
    computeWhereRecognised(kernels, silicon, packet);
    return true;
  }
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = packet.data + request.start;
  packet.csumOffset = request.offset;
  packet.csumNotInet = request.kind === "crc32c";
  packet.gsoSize = 0;
  return checksumHelp(kernels, packet);
}

/** Sums the innermost header that the parser recognises, over what its field holds. If it recognises none: nothing. */
function computeWhereRecognised(kernels: ChecksumKernels, silicon: TxSilicon, packet: Packet): void {
  const { view } = kernels.memory;
  const found = recognise(view, packet.data, packet.tail, silicon.parser);
  if (found === undefined || (found.ipVersion === 6 && !silicon.ipv6)) return;
  const start = found.start - packet.data;
  const sum = sumData(kernels, packet, start, dataLength(packet) - start);
  view.setUint16(found.start + found.csumOffset, mangleZero(finish(sum)));
}

function segmentFrame(
  kernels: ChecksumKernels,
  silicon: TxSilicon,
  packet: Packet,
  request: SegmentationRequest,
): TxResult {
  const carriedOut = asHardwareSeesIt(silicon, packet, request);
  if (carriedOut === undefined) return { frames: [packet], error: undefined };
  const frames = replicate(kernels, packet, carriedOut, silicon);
  if (frames === "no-memory") return failed(packet, FAILED_MEMORY);
  if (frames === "bad-descriptor") return failed(packet, BAD_DESCRIPTOR);
  packet.release();
  return { frames, error: undefined };
}

/** What the hardware makes of the request. `undefined`: it finds nothing to replicate, and the frame stays whole. */
function asHardwareSeesIt(
  silicon: TxSilicon,
  packet: Packet,
  request: SegmentationRequest,
): SegmentationRequest | undefined {
  if (silicon.segmentation === "inner") return { ...request, copyOuter: request.tunnel !== undefined };
  if (silicon.segmentation === "tunnel" && silicon.checksum !== "parser") return request;
  const found = recognise(packet.pool.memory.view, packet.data, packet.tail, silicon.parser);
  if (found === undefined) return undefined;
  const network = found.start - found.networkHeaderBytes - packet.data;
  const protocol = found.csumOffset === 16 ? "tcp" : "udp";
  const isInner = request.tunnel !== undefined && network > request.tunnel.network;
  return {
    ...request,
    protocol,
    network,
    transport: found.start - packet.data,
    tunnel: isInner ? request.tunnel : undefined,
    copyOuter: isInner && (request.copyOuter || silicon.segmentation === "plain"),
  };
}

function insertTags(result: TxResult, tci: number): TxResult {
  for (const frame of result.frames) {
    frame.vlanTci = tci;
    if (pushVlanInside(frame)) continue;
    for (const one of result.frames) one.release();
    return FAILED_MEMORY;
  }
  return result;
}

/** A wire carries bytes: what the host noted about them stays behind. */
function forgetHost(frame: Packet): void {
  frame.ipSummed = CHECKSUM_NONE;
  frame.csumNotInet = false;
  frame.encapsulation = false;
  frame.gsoSize = 0;
  frame.gsoSegs = 0;
  frame.gsoType = 0;
  frame.vlanTci = -1;
}

function failed(packet: Packet, result: TxResult): TxResult {
  packet.release();
  return result;
}
