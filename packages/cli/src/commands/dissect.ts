import { createReadStream } from "node:fs";
import { dissect, formatTree, summarize } from "@seville/packet";
import { nanosSince, readCaptureStream, type CapturedPacket, type CaptureTime } from "@seville/packet/pcapng";
import { EXIT } from "../exit-codes.ts";

export interface DissectFlags {
  /** This record only, from 1. */
  readonly packet?: number;
  /** No more records than this. */
  readonly limit?: number;
  /** Every field. */
  readonly verbose?: boolean;
}

/** Prints the records of a capture: a line each, or every field by its Wireshark name. */
export async function dissectFile(file: string, flags: DissectFlags): Promise<number> {
  let start: CaptureTime | undefined;
  let number = 0;
  let shown = 0;
  let fault = false;
  for await (const event of readCaptureStream(createReadStream(file))) {
    if (event.type === "error") {
      process.stderr.write(`${file}: at byte ${event.offset}: ${event.message}\n`);
      fault = true;
    }
    if (event.type !== "packet") continue;
    number++;
    start ??= event.time;
    if (flags.packet !== undefined && flags.packet !== number) continue;
    process.stdout.write(`${line(number, event, start)}\n`);
    if (flags.verbose === true || flags.packet !== undefined) {
      process.stdout.write(`${formatTree(dissect(event.data, { linkType: event.linkType }))}\n`);
    }
    if (++shown === (flags.limit ?? Infinity)) break;
  }
  return fault ? EXIT.BAD_INPUT : EXIT.OK;
}

function line(number: number, packet: CapturedPacket, start: CaptureTime | undefined): string {
  const time = start === undefined || packet.time === undefined ? 0 : nanosSince(start, packet.time);
  const seconds = `${Math.floor(time / 1e9)}.${String(time % 1e9).padStart(9, "0")}`;
  const direction = packet.direction === undefined ? "" : packet.direction === "inbound" ? " <" : " >";
  const comments = packet.comments.map((comment) => `  (${comment})`).join("");
  return `${String(number).padStart(5)} ${seconds}${direction} ${summarize(packet.data, packet.linkType)}${comments}`;
}
