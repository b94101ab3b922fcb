import type { ChecksumVerdict } from "@seville/checksum";
import type { IpAddress } from "@seville/packet";
import type { GroupPolicy } from "../header/vxlan.ts";

/**
 * What decapsulation took off (Linux `ip_tunnel_info`). One object for each tunnel, filled anew by each packet: who wants to
 * keep something copies it.
 */
export interface TunnelInfo {
  /** Outer addresses and fields. */
  source: IpAddress;
  destination: IpAddress;
  tos: number;
  ttl: number;
  flowLabel: number;
  /** VNI, VSID, session, or GRE key; 0 if there is none. */
  id: number;
  /** Whether the GRE header had a key. */
  hasKey: boolean;
  sequence: number | undefined;
  gbp: GroupPolicy | undefined;
  /** Geneve: where the options lie in the pool's memory, until the packet is released. */
  optionsAt: number;
  optionsEnd: number;
  /** Geneve: a control packet (O). */
  isControl: boolean;
  /** The verdict on the outermost UDP or GRE checksum. */
  checksum: ChecksumVerdict | undefined;
  /** RFC 6040 marks the combination of ECN fields as unused or invalid. */
  ecnLog: boolean;
  /** The tunnel's own headers were taken off: a packet that is dropped even so has something wrong inside. */
  isUnwrapped: boolean;
  /** What the data begins with: an Ethernet frame, or the header of `packet.protocol`. */
  isEthernet: boolean;
  /** Offset of the inner network header modulo 4: not 0 is misaligned (T12). */
  alignment: number;
}

export function newInfo(): TunnelInfo {
  return {
    source: 0,
    destination: 0,
    tos: 0,
    ttl: 0,
    flowLabel: 0,
    id: 0,
    hasKey: false,
    sequence: undefined,
    gbp: undefined,
    optionsAt: 0,
    optionsEnd: 0,
    isControl: false,
    checksum: undefined,
    ecnLog: false,
    isUnwrapped: false,
    isEthernet: false,
    alignment: 0,
  };
}

export function resetInfo(info: TunnelInfo): void {
  Object.assign(info, EMPTY);
}

const EMPTY: Readonly<TunnelInfo> = newInfo();
