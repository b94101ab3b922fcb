import type { ParserLimits } from "./transmit-parse.ts";

/**
 * What the transmit side of a NIC is able to do, whatever its driver says. Plain data; hardware/transmit-unit.ts does
 * what it says.
 */
export interface TxSilicon {
  /**
   * - `none`: there is no checksum unit; a request changes nothing;
   * - `offset`: sums from the requested start and stores at the requested offset;
   * - `parser`: ignores the request but for its being there, and sums the innermost transport header that it recognises.
   */
  readonly checksum: "none" | "offset" | "parser";
  /** How far the parser goes. For `parser`; and what segmentation finds where it does not take the driver's word. */
  readonly parser: ParserLimits;
  /** The parser knows IPv6. */
  readonly ipv6: boolean;
  /** Computes CRC32c for SCTP. */
  readonly crc32c: boolean;
  /** Inserts VLAN tags. */
  readonly vlanInsertion: boolean;
  /**
   * - `none`: no segmentation unit: the frame goes out as it is, if it fits;
   * - `plain`: takes the outermost transport header for the one to replicate;
   * - `inner`: replicates where it is told, copies everything before (only an outer IPv4 identification counts on);
   * - `tunnel`: knows tunnels: lengths and identifications of the outer headers too.
   */
  readonly segmentation: "none" | "plain" | "inner" | "tunnel";
  /** `tunnel`: also computes the checksum of the outer UDP or GRE header for every frame. */
  readonly outerChecksum: boolean;
  /** Longest chain of headers that fits a segmentation descriptor, in bytes. */
  readonly maxHeaderBytes: number;
}

/** What the receive side of a NIC is able to do. */
export interface RxSilicon {
  /** Sums all that is behind the Ethernet header. */
  readonly sums: boolean;
  /** Verifies the outermost transport checksum. */
  readonly verifiesOuter: boolean;
  /** Verifies the transport checksum inside a tunnel that its parser recognises. */
  readonly verifiesInner: boolean;
  readonly verifiesCrc32c: boolean;
  readonly parser: ParserLimits;
  readonly vlanStripping: boolean;
  readonly vlanFilter: boolean;
  /** Computes RSS hashes. */
  readonly hash: boolean;
}

/** Everything that a NIC's hardware is. */
export interface Silicon {
  readonly tx: TxSilicon;
  readonly rx: RxSilicon;
}

/** A parser that knows IP, TCP and UDP and no tunnel. */
export const PLAIN_PARSER: ParserLimits = {
  vxlanPorts: [],
  genevePorts: [],
  gre: false,
  tunnelDepth: 0,
  maxHeaderBytes: 256,
  vlanTags: 1,
  ipv6Extensions: false,
};

/** A parser that looks into one tunnel: VXLAN and Geneve on their ports, and GRE. */
export const TUNNEL_PARSER: ParserLimits = {
  vxlanPorts: [4789],
  genevePorts: [6081],
  gre: true,
  tunnelDepth: 1,
  maxHeaderBytes: 256,
  vlanTags: 1,
  ipv6Extensions: false,
};
