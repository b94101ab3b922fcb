/** The tunnel between two IP headers of a received packet. Offsets count from the packet's data. */
export interface ParsedTunnel {
  readonly kind: "udp" | "gre" | "ip";
  readonly at: number;
  /** It has a checksum. */
  readonly checksum: boolean;
}

/** What GRO knows of a packet that it may merge (`struct napi_gro_cb`). */
export interface Parsed {
  kind: "tcp" | "udp";
  /** IP headers, the outer one first, and their versions. */
  networks: number[];
  versions: (4 | 6)[];
  /** Where the inner Ethernet header is, or -1. */
  innerMac: number;
  tunnel: ParsedTunnel | undefined;
  transport: number;
  headerLength: number;
  payload: number;
  etherType: number;
  /** It must go on as it is, but what is held of its flow before it. */
  flush: boolean;
  /** Bytes that must be the same in one flow: offset, length, offset, length … */
  ranges: number[];
  /** Values that must be the same in one flow. */
  words: number[];
}
