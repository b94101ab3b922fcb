import type { Nanos } from "@seville/core";
import { formatIp, tryParseIp } from "@seville/packet";
import type { ProgramPing } from "../results.ts";
import { DelayRecorder } from "./delays.ts";

/** What ping measured, and its delays over time as far as it printed times (`-D`). */
export interface PingReading {
  readonly ping: ProgramPing;
  readonly delays: DelayRecorder;
  /** Whether the lines bore the time: without it `delays` knows no moments. */
  readonly isTimed: boolean;
}

const ANSWER =
  /^(?:\[(\d+\.\d+)\] )?\d+ bytes from .*?[: ](?:icmp_)?seq=(\d+) .*?time[=<]([\d.]+) ?(ms|us|s)( \(DUP!\))?/;
const UNIT: Readonly<Record<string, number>> = { us: 1e3, ms: 1e6, s: 1e9 };
/** Sequence numbers have 16 bits; beyond, which are missing is not known. */
const MOST_NUMBERS = 0xffff;

/**
 * Reads what iputils' ping printed: its summary, and each answer.
 * @param toVirtual virtual time of a moment, which `-D` prints as seconds since 1970
 * @returns `undefined` if it is no output of ping, or it did not get as far as to send
 */
export function readPing(output: string, toVirtual: (seconds: number) => Nanos): PingReading | undefined {
  const address = addressOf(/^PING \S+?\s?\(([0-9A-Fa-f:.%\w]+)\)/m.exec(output)?.[1]);
  const summary = /^(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?(?:, \+(\d+) errors)?/m.exec(
    output,
  );
  if (address === undefined || summary === null) return undefined;
  const sent = Number(summary[1]);
  const delays = new DelayRecorder();
  const sentAt = new Map<number, Nanos>();
  let isTimed = true;
  for (const line of output.split("\n")) {
    const match = ANSWER.exec(line);
    if (match === null) continue;
    const [, stamp, sequence, value, unit = "ms", duplicate] = match;
    if (duplicate !== undefined) continue;
    const rtt = Math.round(Number(value) * (UNIT[unit] as number));
    const at = stamp === undefined ? 0 : toVirtual(Number(stamp));
    isTimed &&= stamp !== undefined;
    delays.add(at, rtt);
    sentAt.set(Number(sequence), at - rtt);
  }
  isTimed &&= sentAt.size > 0;
  if (isTimed && sent <= MOST_NUMBERS) for (const at of missingTimes(sentAt, sent)) delays.addLost(at);
  return {
    ping: {
      address,
      sent,
      received: Number(summary[2]),
      duplicates: Number(summary[3] ?? 0),
      errors: Number(summary[4] ?? 0),
      rtt: delays.distribution(),
    },
    delays,
    isTimed,
  };
}

/** When requests were sent that no answer came to: ping does not say, but they leave at even distances. */
function missingTimes(sentAt: ReadonlyMap<number, Nanos>, sent: number): Nanos[] {
  const numbers = [...sentAt.keys()];
  const first = Math.min(...numbers);
  const last = Math.max(...numbers);
  const begin = sentAt.get(first) as number;
  const step = last === first ? 0 : ((sentAt.get(last) as number) - begin) / (last - first);
  const times: Nanos[] = [];
  for (let number = 1; number <= sent; number++) {
    if (!sentAt.has(number)) times.push(Math.max(0, Math.round(begin + (number - first) * step)));
  }
  return times;
}

function addressOf(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : tryParseIp(text.split("%")[0] as string);
  return address === undefined ? undefined : formatIp(address);
}
