import type { IcmpSpec } from "./icmp-line.ts";
import type { TcpSpec } from "./tcp-line.ts";
import type { UdpSpec } from "./udp-line.ts";
import type { IpInfo } from "./ip-info.ts";
import type { Expression } from "./expression.ts";

/** When a line happens, in microseconds: since the script's begin, or since the line before it. */
export type EventTime =
  | { readonly kind: "absolute"; readonly at: number }
  | { readonly kind: "relative"; readonly at: number }
  | { readonly kind: "absolute-range"; readonly at: number; readonly until: number }
  | { readonly kind: "relative-range"; readonly at: number; readonly until: number }
  | { readonly kind: "any" };

export type Direction = "in" | "out";

/** What a packet line describes above the IP header. A further protocol is a further member, parser and codec. */
export type PacketBody = TcpSpec | UdpSpec | IcmpSpec;

export interface PacketLine {
  readonly kind: "packet";
  readonly direction: Direction;
  readonly ip: IpInfo;
  readonly body: PacketBody;
}

export interface CallLine {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expression[];
  readonly result: Expression;
  /** `EAGAIN` in `= -1 EAGAIN (…)`. */
  readonly errno: string | undefined;
  readonly note: string | undefined;
  /** The call blocks, and ends then: microseconds, of the same origin as the line's time. */
  readonly end: number | undefined;
}

/** What stands between backticks. */
export interface CommandLine {
  readonly kind: "command";
  readonly text: string;
}

/** What stands between `%{` and `}%`. */
export interface CodeLine {
  readonly kind: "code";
  readonly text: string;
}

/** A line that is understood well enough to name, but not to run. */
export interface UnsupportedLine {
  readonly kind: "unsupported";
  readonly feature: string;
}

export type Action = PacketLine | CallLine | CommandLine | CodeLine | UnsupportedLine;

export interface ScriptEvent {
  readonly line: number;
  readonly time: EventTime;
  readonly action: Action;
  /** The line as it stands in the file, white space folded: for messages. */
  readonly text: string;
}

export interface ScriptOption {
  readonly name: string;
  readonly value: string | undefined;
  readonly line: number;
}

export interface Script {
  readonly file: string;
  readonly options: readonly ScriptOption[];
  /** Commands without a time in front of and behind the events. */
  readonly before: readonly ScriptCommand[];
  readonly events: readonly ScriptEvent[];
  readonly after: readonly ScriptCommand[];
}

export interface ScriptCommand {
  readonly line: number;
  readonly text: string;
}
