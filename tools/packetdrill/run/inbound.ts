import { pattern } from "../calls/pattern.ts";
import { ScriptError, UnsupportedError } from "../language/errors.ts";
import type { PacketLine } from "../language/script.ts";
import { ACK, SYN } from "../language/tcp-flags.ts";
import type { TcpOption } from "../language/tcp-options.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import type { IcmpSpec } from "../language/icmp-line.ts";
import { encodeOptions } from "../wire/encode-options.ts";
import { encodePacket, encodeTcp, ipv4, ipv6 } from "../wire/encode.ts";
import { icmpNumbers } from "../wire/icmp-names.ts";
import { IPPROTO_TCP, IPPROTO_UDP, type WireIcmp, type WirePacket, type WireTcp } from "../wire/packet.ts";
import { addressBytes } from "./address-bytes.ts";
import type { RunConfig } from "./config.ts";
import type { Conversation } from "./conversation.ts";

const DEFAULT_TTL = 255;

/** The bytes of the packet that an inbound line describes, in a conversation's numbers. */
export function inboundPacket(line: PacketLine, conversation: Conversation, config: RunConfig, at: number): Uint8Array {
  return encodePacket({ ...header(line, config), body: body(line, conversation, config, at) });
}

type Header = Omit<WirePacket, "body">;

function header({ ip }: PacketLine, config: RunConfig): Header {
  return {
    family: config.family,
    source: addressBytes(config.remoteAddress),
    destination: addressBytes(config.localAddress),
    ecn: typeof ip.ecn === "number" ? ip.ecn : 0,
    dscp: ip.dscp ?? 0,
    ttl: ip.ttl ?? DEFAULT_TTL,
    flowLabel: ip.flowLabel ?? 0,
  };
}

function body(line: PacketLine, conversation: Conversation, config: RunConfig, at: number): WirePacket["body"] {
  const { body: spec } = line;
  switch (spec.protocol) {
    case "tcp":
      return segment(spec, conversation, at);
    case "udp": {
      const ports = spec.ports ?? { source: conversation.remotePort, destination: localPort(conversation) };
      return { protocol: "udp", ports, payload: pattern(0, spec.length) };
    }
    case "icmp":
      return icmp(spec, conversation, config, at);
  }
}

function segment(spec: TcpSpec, conversation: Conversation, at: number): WireTcp {
  const ports = spec.ports ?? { source: conversation.remotePort, destination: localPort(conversation) };
  const hasAck = (spec.flags & ACK) !== 0;
  const isSyn = (spec.flags & SYN) !== 0;
  const seq = ((spec.seq ?? 0) + (spec.absoluteSeq ? 0 : conversation.remoteOffset(isSyn))) >>> 0;
  const options = encodeOptions((spec.options ?? []).map((option) => toWire(option, spec, conversation, at)));
  if (options.length % 4 !== 0) {
    throw new ScriptError(at, `TCP options of ${options.length} bytes are not padded to a multiple of 4`);
  }
  return {
    protocol: "tcp",
    ports,
    seq,
    ack: hasAck ? ((spec.ack ?? 0) + conversation.localOffset(isSyn)) >>> 0 : 0,
    flags: spec.flags,
    window: spec.window ?? 0,
    urgent: spec.urgent ?? 0,
    options,
    payload: pattern(streamPosition(seq, isSyn, conversation), spec.length),
    encapsulation: spec.encapsulation,
  };
}

/** Where in the peer's stream of bytes a segment's payload lies. */
function streamPosition(seq: number, isSyn: boolean, { remoteIsn = 0 }: Conversation): number {
  const distance = (seq - remoteIsn) | 0;
  return isSyn ? distance : distance - 1;
}

/** SACK blocks with `offset` added to both edges. */
export function shifted(
  blocks: readonly (readonly [number, number])[],
  offset: number,
): readonly (readonly [number, number])[] {
  return blocks.map(([left, right]) => [(left + offset) >>> 0, (right + offset) >>> 0]);
}

function toWire(option: TcpOption, spec: TcpSpec, conversation: Conversation, at: number): TcpOption {
  if (option.kind === "sack") {
    const offset = conversation.localOffset((spec.flags & SYN) !== 0);
    return { ...option, blocks: shifted(option.blocks, offset) };
  }
  if (option.kind !== "TS" || spec.absoluteEcr || (spec.flags & ACK) === 0) return option;
  const ecr = conversation.timestampToWire(option.ecr);
  if (ecr === undefined) throw new ScriptError(at, `no outbound segment had TS val ${option.ecr}, which ecr echoes`);
  return { ...option, ecr };
}

function localPort(conversation: Conversation): number {
  return conversation.localPort === 0 ? (conversation.socket?.localPort() ?? 0) : conversation.localPort;
}

/** An ICMP message about a packet of this end: its IP header and the first eight bytes behind it (RFC 792). */
function icmp(spec: IcmpSpec, conversation: Conversation, config: RunConfig, at: number): WireIcmp {
  const numbers = icmpNumbers(config.family, spec.type, spec.code);
  if (numbers === undefined) throw new ScriptError(at, `unknown ICMP type ${spec.type} ${spec.code ?? ""}`.trimEnd());
  const [type, code] = numbers;
  if (config.family === 6 && type === 134) throw new UnsupportedError("router advertisements");
  const isEcho = spec.id !== undefined;
  const rest = isEcho ? spec.id * 0x1_0000 : (spec.mtu ?? 0);
  return {
    protocol: "icmp",
    type,
    code,
    rest,
    payload: isEcho ? new Uint8Array(0) : quoted(spec, conversation, config),
  };
}

/** How much of the quoted packet's transport header there is. */
const QUOTED_BYTES = 8;
const UDP_HEADER = 8;
const TCP_HEADER = 20;

function quoted(spec: IcmpSpec, conversation: Conversation, config: RunConfig): Uint8Array {
  const ports = { source: localPort(conversation), destination: conversation.remotePort };
  const { encapsulation, length, seq, protocol } = spec.quoted;
  const ip: WirePacket = {
    family: config.family,
    source: addressBytes(config.localAddress),
    destination: addressBytes(config.remoteAddress),
    ecn: 0,
    dscp: 0,
    ttl: DEFAULT_TTL,
    flowLabel: 0,
    body: { protocol: "other", number: 0, payload: new Uint8Array(0) },
  };
  const inner =
    protocol === "udp"
      ? udpHeader(ports, length)
      : encodeTcp({
          protocol: "tcp",
          ports,
          seq: (seq + conversation.localOffset(false)) >>> 0,
          ack: 0,
          flags: 0,
          window: 0,
          urgent: 0,
          options: new Uint8Array(0),
          payload: new Uint8Array(length),
          encapsulation: undefined,
        });
  const outer = encapsulation === undefined ? inner : concat(udpHeader(encapsulation, TCP_HEADER + length), inner);
  const number = protocol === "udp" || encapsulation !== undefined ? IPPROTO_UDP : IPPROTO_TCP;
  const whole = config.family === 4 ? ipv4(ip, number, outer) : ipv6(ip, number, outer);
  const kept = QUOTED_BYTES + (encapsulation === undefined ? 0 : UDP_HEADER);
  return whole.subarray(0, whole.length - outer.length + Math.min(kept, outer.length));
}

function udpHeader(ports: { source: number; destination: number }, length: number): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ports.source);
  view.setUint16(2, ports.destination);
  view.setUint16(4, UDP_HEADER + length);
  return bytes;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
