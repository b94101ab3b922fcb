import type { IpInfo } from "../language/ip-info.ts";
import { ACK, SYN } from "../language/tcp-flags.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import type { TcpOption } from "../language/tcp-options.ts";
import { decodeOptions } from "../wire/decode-options.ts";
import type { WirePacket, WireTcp } from "../wire/packet.ts";
import type { Conversation } from "./conversation.ts";
import { shifted } from "./inbound.ts";

/** A segment that went out, in the script's numbers. */
export interface ActualSegment {
  readonly spec: TcpSpec;
  readonly ip: IpInfo;
  /** The bytes of its options, for scripts that give them so. */
  readonly optionBytes: Uint8Array;
  /** The TS value on the wire. */
  readonly timestamp: number | undefined;
  readonly payload: Uint8Array;
}

/** Maps a segment from the wire's numbers to the script's. */
export function actualSegment(
  packet: WirePacket,
  tcp: WireTcp,
  conversation: Conversation,
  ace: boolean,
): ActualSegment {
  const isSyn = (tcp.flags & SYN) !== 0;
  const remoteOffset = conversation.remoteOffset(isSyn);
  let timestamp: number | undefined;
  const options = decodeOptions(tcp.options).map((option): TcpOption => {
    if (option.kind === "sack") return { ...option, blocks: shifted(option.blocks, -remoteOffset) };
    if (option.kind !== "TS") return option;
    timestamp = option.val;
    return { ...option, val: option.val === undefined ? undefined : conversation.timestampToScript(option.val) };
  });
  const spec: TcpSpec = {
    protocol: "tcp",
    ports: undefined,
    flags: tcp.flags,
    ace,
    seq: (tcp.seq - conversation.localOffset(isSyn)) >>> 0,
    absoluteSeq: false,
    length: tcp.payload.length,
    ack: (tcp.flags & ACK) === 0 && tcp.ack === 0 ? undefined : (tcp.ack - remoteOffset) >>> 0,
    window: tcp.window,
    urgent: tcp.urgent === 0 ? undefined : tcp.urgent,
    options,
    absoluteEcr: false,
    encapsulation: tcp.encapsulation,
    resetReason: undefined,
  };
  const ip: IpInfo = { ecn: packet.ecn, dscp: packet.dscp, ttl: packet.ttl, flowLabel: packet.flowLabel };
  return { spec, ip, optionBytes: tcp.options, timestamp, payload: tcp.payload };
}
