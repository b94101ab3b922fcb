import { SevilleError, type DropReason, type Nanos } from "@seville/core";
import { CaptureReader, nanosSince, type CaptureEvent, type CapturedPacket } from "@seville/packet/pcapng";
import { closeSync, openSync, readSync } from "node:fs";
import { fromNodeError } from "../port/errors.ts";
import { ETH_HLEN, MAX_FRAME_BYTES } from "../port/host-port.ts";

/** A capture: the path of a pcapng or pcap file, or its bytes. */
export type CaptureSource = string | Uint8Array;

/** Which of a capture's packets are wanted. */
export interface CaptureSelection {
  /** Interface of the capture: its name, or its number in its section. Default: all. */
  readonly interface?: string | number;
  /** Only packets marked with this direction. Default: all. */
  readonly direction?: "inbound" | "outbound";
}

/** A frame of the capture. */
export interface CapturedFrame {
  /** Since the first frame; never less than that of the frame before. */
  readonly time: Nanos;
  /** A view that is good until the next frame is read. */
  readonly data: Uint8Array;
}

/** What was passed over, and why. */
export interface CaptureFaults {
  readonly skipped: Map<DropReason, number>;
  /** Packets whose time lay before that of the packet before. */
  backwards: number;
  /** What is wrong with the file, if anything: the first few. */
  readonly messages: string[];
}

const LINKTYPE_ETHERNET = 1;
const CHUNK_BYTES = 256 * 1024;
const MOST_MESSAGES = 20;

/**
 * The Ethernet frames of a capture in its order, read piece by piece as they are asked for: a file may be larger than memory.
 * @throws SevilleError `ENOENT` and its like; `ERR_CAPTURE_FORMAT` if it is no capture at all
 */
export function* captureFrames(
  source: CaptureSource,
  selection: CaptureSelection,
  faults: CaptureFaults,
): Generator<CapturedFrame, void> {
  const names = new Map<number, string | undefined>();
  let first: CapturedPacket["time"];
  let latest = 0;
  let understood = false;
  for (const event of captureEvents(source)) {
    if (event.type === "section") names.clear();
    else if (event.type === "interface") names.set(event.interface, event.name);
    else if (event.type === "error") {
      if (event.fatal && !understood) {
        throw new SevilleError("ERR_CAPTURE_FORMAT", `not a capture that can be read: ${event.message}`, "source");
      }
      if (faults.messages.length < MOST_MESSAGES) faults.messages.push(`at byte ${event.offset}: ${event.message}`);
    }
    understood = true;
    if (event.type !== "packet" || !isSelected(event, selection, names)) continue;
    const reason = fault(event);
    if (reason !== undefined) {
      faults.skipped.set(reason, (faults.skipped.get(reason) ?? 0) + 1);
      continue;
    }
    first ??= event.time;
    const time = first === undefined || event.time === undefined ? latest : nanosSince(first, event.time);
    if (time < latest) faults.backwards++;
    latest = Math.max(latest, time);
    yield { time: latest, data: event.data };
  }
}

function isSelected(
  packet: CapturedPacket,
  selection: CaptureSelection,
  names: ReadonlyMap<number, string | undefined>,
): boolean {
  const wanted = selection.interface;
  if (typeof wanted === "number" && packet.interface !== wanted) return false;
  if (typeof wanted === "string" && names.get(packet.interface) !== wanted) return false;
  return selection.direction === undefined || packet.direction === selection.direction;
}

/** Why a captured packet cannot go onto a wire, or `undefined`. */
function fault(packet: CapturedPacket): DropReason | undefined {
  if (packet.linkType !== LINKTYPE_ETHERNET) return "UNHANDLED_PROTO";
  if (packet.crcError) return "LINK_FCS";
  // What the capture did not keep cannot be made up.
  if (packet.data.length < packet.originalLength) return "HDR_TRUNC";
  if (packet.data.length < ETH_HLEN) return "PKT_TOO_SMALL";
  return packet.data.length > MAX_FRAME_BYTES ? "PKT_TOO_BIG" : undefined;
}

function* captureEvents(source: CaptureSource): Generator<CaptureEvent, void> {
  const reader = new CaptureReader();
  for (const piece of typeof source === "string" ? pieces(source) : [source]) {
    reader.push(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
  }
  reader.end();
  for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
}

function* pieces(path: string): Generator<Uint8Array, void> {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw fromNodeError(error, `open the capture ${path}`, "source", "is the path right?");
  }
  try {
    for (;;) {
      // A fresh piece each time: the reader keeps views of the one before.
      const piece = new Uint8Array(CHUNK_BYTES);
      const length = readSync(fd, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } catch (error) {
    throw fromNodeError(error, `read the capture ${path}`, "source");
  } finally {
    closeSync(fd);
  }
}
