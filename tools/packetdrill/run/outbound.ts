import { NS_PER_SEC, type Nanos } from "../../../packages/core/src/index.ts";
import { firstDifference } from "../calls/pattern.ts";
import { SYN } from "../language/tcp-flags.ts";
import type { IpInfo } from "../language/ip-info.ts";
import type { PacketLine, ScriptEvent } from "../language/script.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import { UnsupportedError } from "../language/errors.ts";
import { formatPacketLine, formatTcp } from "../wire/format.ts";
import type { WirePacket } from "../wire/packet.ts";
import { actualSegment, type ActualSegment } from "./actual.ts";
import { continues, mergeSegments, splitSegment, type Capture, type Sniffed, type SniffedSegment } from "./capture.ts";
import type { WorldClock } from "./clock.ts";
import { compareIp } from "./compare-ip.ts";
import { compareTcp } from "./compare-tcp.ts";
import type { RunConfig } from "./config.ts";
import type { Conversation } from "./conversation.ts";
import { ScriptFailure } from "./failure.ts";
import { seconds, timingError, type Due } from "./timing.ts";
import type { Tracker } from "./tracker.ts";

/** How long a packet that is missing is waited for, to show what came instead. */
const PATIENCE: Nanos = 5 * NS_PER_SEC;
/** How long `*` waits. */
const ANY_TIME: Nanos = 300 * NS_PER_SEC;

export interface OutboundContext {
  readonly config: RunConfig;
  readonly tracker: Tracker;
  readonly capture: Capture;
  readonly clock: WorldClock;
  readonly now: () => Nanos;
}

/** An outbound line: the next packet of the conversation must be the one that it describes, at the time that it gives. */
export function expectOutbound(
  event: ScriptEvent,
  line: PacketLine,
  conversation: Conversation,
  due: Due,
  tolerance: Nanos,
  context: OutboundContext,
): void {
  const { body } = line;
  if (body.protocol === "icmp") throw new UnsupportedError("outbound ICMP packets");
  const found = awaitPacket(event, line, conversation, due, tolerance, context);
  if (body.protocol === "udp") compareUdp(event, line, found, context.config);
  else
    compareSegment(
      event,
      line,
      body,
      gather(found as SniffedSegment, body, conversation, due, tolerance, context),
      conversation,
      context,
    );
  const late = timingError(due, found.at, tolerance, "outbound packet");
  if (late !== undefined) throw new ScriptFailure(event.line, late, shown(event, line, context.config), undefined);
}

/** Waits for the next packet of the conversation. */
function awaitPacket(
  event: ScriptEvent,
  line: PacketLine,
  conversation: Conversation,
  due: Due,
  tolerance: Nanos,
  { config, tracker, capture, clock, now }: OutboundContext,
): Sniffed {
  let found: Sniffed | undefined;
  const wanted = (packet: WirePacket): boolean => isOf(packet, line, conversation, tracker);
  const look = (): boolean => (found ??= withTcp(capture.next(wanted))) !== undefined;
  const limit = due.until === undefined ? now() + ANY_TIME : due.until + tolerance;
  if (!clock.advance(Math.max(limit, now()), look)) {
    const giveUp = limit + PATIENCE;
    clock.advance(giveUp, look);
  }
  if (found !== undefined) return found;
  throw new ScriptFailure(event.line, `no packet went out until ${seconds(now())} s`, shown(event, line, config));
}

function withTcp(found: Sniffed | undefined): Sniffed | undefined {
  if (found?.packet.body.protocol !== "tcp") return found;
  const segment: SniffedSegment = { ...found, tcp: found.packet.body };
  return segment;
}

function isOf({ body }: WirePacket, line: PacketLine, conversation: Conversation, tracker: Tracker): boolean {
  if (body.protocol !== line.body.protocol) return false;
  if (body.protocol !== "tcp" && body.protocol !== "udp") return false;
  return tracker.isFrom(conversation, body.ports.source, body.ports.destination);
}

/**
 * One line may stand for several segments of the wire, and one super-segment of the wire for several lines: what was found is merged with what
 * continues it, or cut, until it has the length of the line.
 */
function gather(
  first: SniffedSegment,
  spec: TcpSpec,
  conversation: Conversation,
  due: Due,
  tolerance: Nanos,
  { tracker, capture, clock, now }: OutboundContext,
): SniffedSegment {
  let segment = first;
  const expected = (spec.seq ?? 0) + conversation.localOffset((first.tcp.flags & SYN) !== 0);
  if (spec.seq !== undefined && conversation.knowsLocalIsn && first.tcp.seq !== expected >>> 0) return first;
  while (segment.tcp.payload.length < spec.length && segment.tcp.payload.length > 0) {
    let next: SniffedSegment | undefined;
    const wanted = ({ body }: WirePacket): boolean =>
      body.protocol === "tcp" && tracker.isFrom(conversation, body.ports.source, body.ports.destination);
    const look = (): boolean => (next ??= withTcp(capture.next(wanted)) as SniffedSegment | undefined) !== undefined;
    clock.advance(due.until === undefined ? now() : Math.max(due.until + tolerance, now()), look);
    if (next === undefined) return segment;
    if (!continues(segment, next)) {
      capture.putBack(next);
      return segment;
    }
    segment = mergeSegments(segment, next);
  }
  const cut = segment.tcp.payload.length > spec.length && spec.length > 0;
  if (!cut || !isBoundary(segment, spec.length)) return segment;
  const [front, rest] = splitSegment(segment, spec.length);
  capture.putBack(rest);
  return front;
}

/** Whether a super-segment, or what was merged, may be cut there. */
function isBoundary({ gsoSize, tcp }: SniffedSegment, length: number): boolean {
  return gsoSize > 0 && length % gsoSize === 0 && length < tcp.payload.length;
}

function compareSegment(
  event: ScriptEvent,
  line: PacketLine,
  spec: TcpSpec,
  segment: SniffedSegment,
  conversation: Conversation,
  { config, tracker }: OutboundContext,
): void {
  tracker.noteOutbound(conversation, spec, segment.tcp);
  noteTimestamp(spec, segment, conversation);
  const actual = actualSegment(segment.packet, segment.tcp, conversation, spec.ace);
  const span = segment.at / 1_000;
  const difference =
    compareIp(line.ip, actual.ip) ??
    compareTcp(spec, actual, {
      lenient: config.lenient,
      tsTickUsecs: config.tsTickUsecs,
      tsToleranceUsecs: Math.max(config.toleranceUsecs, (config.tolerancePercent / 100) * span),
      checkTsEcr: config.checkTsEcr,
    }) ??
    comparePayload(actual, conversation);
  if (difference === undefined) return;
  const shownActual = `${seconds(segment.at)} > ${shownIp(line.ip, actual.ip)}${formatTcp(withoutSilence(spec, actual.spec))}`;
  throw new ScriptFailure(event.line, difference, shown(event, line, config), shownActual);
}

/** Learns what the wire has where the script has `TS val`, before the values are compared. */
function noteTimestamp(spec: TcpSpec, segment: SniffedSegment, conversation: Conversation): void {
  const expected = spec.options?.find((option) => option.kind === "TS");
  if (expected?.kind !== "TS") return;
  const actual = actualSegment(segment.packet, segment.tcp, conversation, false).timestamp;
  if (actual !== undefined) conversation.noteTimestamp(expected.val, actual);
}

/** What the program sent must be what the packets carry, byte for byte. */
function comparePayload({ payload, spec }: ActualSegment, conversation: Conversation): string | undefined {
  if (payload.length === 0 || spec.seq === undefined || !conversation.sendsPattern) return undefined;
  const isSyn = (spec.flags & SYN) !== 0;
  const wrong = firstDifference(payload, isSyn ? 0 : (spec.seq | 0) - 1);
  return wrong < 0 ? undefined : `byte ${wrong} of the payload is not the one that was written`;
}

function compareUdp(event: ScriptEvent, line: PacketLine, found: Sniffed, config: RunConfig): void {
  const { body } = found.packet;
  if (body.protocol !== "udp" || line.body.protocol !== "udp") return;
  const ip: IpInfo = {
    ecn: found.packet.ecn,
    dscp: found.packet.dscp,
    ttl: found.packet.ttl,
    flowLabel: found.packet.flowLabel,
  };
  const difference =
    compareIp(line.ip, ip) ??
    (body.payload.length === line.body.length
      ? undefined
      : `payload length ${body.payload.length} instead of ${line.body.length}`);
  if (difference === undefined) return;
  throw new ScriptFailure(
    event.line,
    difference,
    shown(event, line, config),
    `${seconds(found.at)} > udp (${body.payload.length})`,
  );
}

/** The expected packet as the script has it. */
function shown(event: ScriptEvent, line: PacketLine, config: RunConfig): string {
  const [time = ""] = event.text.split(/\s*[<>]/, 1);
  return `${time} ${formatPacketLine(line, config.family)}`;
}

/** The fields of an IP header of which the script speaks. */
function shownIp(expected: IpInfo, actual: IpInfo): string {
  const ip: IpInfo = {
    ecn: expected.ecn === undefined ? undefined : actual.ecn,
    dscp: expected.dscp === undefined ? undefined : actual.dscp,
    ttl: expected.ttl === undefined ? undefined : actual.ttl,
    flowLabel: expected.flowLabel === undefined ? undefined : actual.flowLabel,
  };
  const body = { protocol: "udp", ports: undefined, length: 0 } as const;
  return formatPacketLine({ kind: "packet", direction: "out", ip, body }).slice(2, -"udp (0)".length);
}

/** The window is shown where the script speaks of it, or where it has no other difference to show. */
function withoutSilence(expected: TcpSpec, actual: TcpSpec): TcpSpec {
  return expected.window === undefined ? { ...actual, window: undefined } : actual;
}
