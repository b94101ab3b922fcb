import { CHECKSUM_PARTIAL } from "@seville/checksum";
import {
  ethernet,
  ETHER_TYPE,
  ip,
  join,
  lay,
  payload,
  TCP,
  tcp,
  UDP,
  udp,
  withPseudo,
  type Family,
  type TestFrame,
} from "./frames.ts";

export type Protocol = "tcp" | "udp";

export const CASES: readonly (readonly [Family, Protocol])[] = [
  [4, "tcp"],
  [4, "udp"],
  [6, "tcp"],
  [6, "udp"],
];

const NUMBER = { tcp: TCP, udp: UDP } as const;
const OFFSET = { tcp: 16, udp: 6 } as const;

/** A plain PARTIAL frame, with IPv4 options or an IPv6 extension header if asked for. */
export function plain(
  family: Family,
  protocol: Protocol,
  options: { extra?: boolean; vlan?: boolean } = {},
): TestFrame {
  const bare = protocol === "tcp" ? tcp(payload(201)) : udp(7, 9, payload(201));
  const segment = withPseudo(family, NUMBER[protocol], bare);
  const packet =
    options.extra === true ? withExtra(family, NUMBER[protocol], segment) : ip(family, NUMBER[protocol], segment);
  const link = options.vlan === true ? 18 : 14;
  const frame =
    options.vlan === true
      ? ethernet(0x8100, join([0, 5, ETHER_TYPE[family] >>> 8, ETHER_TYPE[family] & 255], packet))
      : ethernet(ETHER_TYPE[family], packet);
  const start = frame.length - segment.length;
  return lay(frame, {
    ipSummed: CHECKSUM_PARTIAL,
    protocol: ETHER_TYPE[family],
    csumStart: start,
    csumOffset: OFFSET[protocol],
    networkHeader: link,
    transportHeader: start,
  });
}

/** IPv4: a router alert option. IPv6: an empty destination options header. */
function withExtra(family: Family, protocol: number, segment: Uint8Array): Uint8Array {
  if (family === 6) return ip(6, 60, join([protocol, 0, 1, 4, 0, 0, 0, 0], segment));
  const packet = join(ip(4, protocol, join([0x94, 4, 0, 0], segment)));
  packet[0] = 0x46;
  return packet;
}
