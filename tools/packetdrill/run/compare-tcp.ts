import { ACE_MASK, aceValue, PSH } from "../language/tcp-flags.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import type { ActualSegment } from "./actual.ts";
import { compareOptions, type OptionRules } from "./compare-options.ts";

export interface TcpRules extends OptionRules {
  readonly lenient: boolean;
}

const RESERVED = 0xe00;

/** How a segment differs from what the script expects; `undefined`: not at all. */
export function compareTcp(expected: TcpSpec, actual: ActualSegment, rules: TcpRules): string | undefined {
  const { spec } = actual;
  return (
    compareFlags(expected, spec, rules.lenient) ??
    (expected.seq === undefined ? undefined : field("sequence number", expected.seq, spec.seq ?? 0)) ??
    field("payload length", expected.length, spec.length) ??
    field("acknowledgment number", expected.ack ?? 0, spec.ack ?? 0) ??
    compareWindow(expected, spec, rules.lenient) ??
    field("urgent pointer", expected.urgent ?? 0, spec.urgent ?? 0) ??
    compareEncapsulation(expected, spec) ??
    compareOptions(expected, actual, rules)
  );
}

function compareFlags(expected: TcpSpec, actual: TcpSpec, lenient: boolean): string | undefined {
  if ((actual.flags & RESERVED) !== 0) return "reserved bits are set";
  const ignored = (lenient ? PSH : 0) | (expected.ace ? ACE_MASK : 0);
  if (((expected.flags ^ actual.flags) & ~ignored & 0x1ff) !== 0) return "the flags differ";
  if (!expected.ace) return undefined;
  return field("ACE", aceValue(expected.flags), aceValue(actual.flags));
}

function compareWindow(expected: TcpSpec, actual: TcpSpec, lenient: boolean): string | undefined {
  if (expected.window === undefined || lenient) return undefined;
  return field("window", expected.window, actual.window ?? 0);
}

function compareEncapsulation(
  { encapsulation: expected }: TcpSpec,
  { encapsulation: actual }: TcpSpec,
): string | undefined {
  if (expected === undefined) return actual === undefined ? undefined : "it is in a UDP datagram";
  if (actual === undefined) return "it is not in a UDP datagram";
  return (
    field("UDP source port", expected.source, actual.source) ??
    field("UDP destination port", expected.destination, actual.destination)
  );
}

export function field(name: string, expected: number, actual: number): string | undefined {
  return expected === actual ? undefined : `${name} ${actual} instead of ${expected}`;
}
