import type {
  AckObservation,
  CongestionAlgorithm,
  LossObservation,
  ResetObservation,
  TimeoutObservation,
} from "@seville/congestion";
import type { CryptoProvider, DropReason, Nanos, Random, SecretRandom } from "@seville/core";
import type { IpAddress, Packet, PacketPool } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import type { TcpListener } from "./listener.ts";
import type { TcpSettings } from "./settings.ts";

/** What the bytes of an arriving segment do not say. Borrowed: the engine reads it before `handle` returns. */
export interface TcpMeta {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The ECN field of the IP header: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE (RFC 3168 §5). */
  readonly ecn: number;
  /** TTL or hop limit, for `IP_MINTTL`. */
  readonly hopLimit?: number;
  /** IPv6 flow label. */
  readonly flowLabel?: number;
  /** Where it came in; listeners and connections that are bound to a device match it. */
  readonly ifindex?: number;
  /** The slave's index if it came in through a VRF. */
  readonly sdif?: number;
}

/** A segment that goes out. The driver owns `packet`, whose `data` is at the TCP header, and puts an IP header in front of it. */
export interface TcpOutput {
  readonly packet: Packet;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Whose it is; `undefined`: an answer to a segment that belongs to no connection. */
  readonly connection: TcpConnection | undefined;
  /** The device to which the sender is bound; 0: none. */
  readonly ifindex: number;
  /** The six upper bits of the TOS or traffic class, with the two lower bits 0. */
  readonly tos: number;
  /** The two lower ones: 0, 1 ECT(1), 2 ECT(0). */
  readonly ecn: number;
  /** TTL or hop limit; 0: the host's default. */
  readonly hopLimit: number;
  /** `sk_txhash`: what multipath routing and the IPv6 flow label derive from. Re-drawn on trouble. Never 0. */
  readonly txhash: number;
  /** Sets DF (IPv4); in IPv6 nobody on the way fragments anyhow. */
  readonly dontFragment: boolean;
  /** When it may leave (pacing); not before now. */
  readonly departure: Nanos;
  /** What to tell {@link TcpEndpoint.transmitted} once it has left, bytes; 0: nothing. */
  readonly charge: number;
}

/** What the routing table knows of the way to a destination (`ip route … mtu initcwnd …`), with what the device can do. */
export interface RouteFacts {
  /** Bytes of an IP packet, path MTU included. */
  readonly mtu: number;
  /** The MTU of the interface: what the advertised MSS derives from. Default: `mtu`. */
  readonly deviceMtu?: number;
  readonly advmss?: number;
  readonly initcwnd?: number;
  readonly initrwnd?: number;
  /** `rto_min`, ns. */
  readonly rtoMin?: Nanos;
  readonly quickack?: boolean;
  /** `features ecn`. */
  readonly ecn?: boolean;
  readonly fastopenNoCookie?: boolean;
  /** Name of a congestion control. */
  readonly congctl?: string;
  readonly windowClamp?: number;
  readonly ssthresh?: number;
  readonly reordering?: number;
  /** `mtu lock 1472`: no path MTU discovery. */
  readonly mtuLocked?: boolean;
}

/** An ICMP error about a segment of ours, checked by the IP layer, with what it quotes. */
export interface TcpIcmpError {
  readonly family: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The MTU of "fragmentation needed" and "packet too big"; else 0. */
  readonly info: number;
  /** Ours, of the quoted header. */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Sequence number of the quoted header. */
  readonly sequence: number;
  /** Where it came in, as in {@link TcpMeta}. */
  readonly ifindex?: number;
  readonly sdif?: number;
}

/** What the user should know. `connection` is the same object throughout its life. */
export type TcpEvent =
  /** A connection has come to the listener's accept queue: `endpoint.accept(listener)`. */
  | { readonly type: "accept"; readonly listener: TcpListener; readonly connection: TcpConnection }
  | { readonly type: "connected"; readonly connection: TcpConnection }
  /** Data, or the end of data, can be read. */
  | { readonly type: "readable"; readonly connection: TcpConnection }
  /** A full send buffer has room again. */
  | { readonly type: "writable"; readonly connection: TcpConnection }
  /** Urgent data was announced or has come (SIGURG, EPOLLPRI). */
  | { readonly type: "urgent"; readonly connection: TcpConnection }
  /** The connection failed; `errno` is also `connection.error` until it is taken (SO_ERROR). */
  | { readonly type: "error"; readonly connection: TcpConnection; readonly errno: string }
  /** It is out of all tables (state CLOSE), or only its TIME-WAIT remains. */
  | { readonly type: "closed"; readonly connection: TcpConnection };

/** An address and a port. */
export interface TcpEnd {
  readonly address: IpAddress;
  readonly port: number;
}

/** What the engine is made of. */
export interface TcpEndpointOptions {
  readonly pool: PacketPool;
  /** Decides behaviour: seeded. */
  readonly random: Random;
  /** Keys of ISNs, cookies and timestamps' offsets. */
  readonly secretRandom: SecretRandom;
  /** SipHash; default: the one of `core`. */
  readonly crypto?: Pick<CryptoProvider, "sipHash">;
  /** Sysctls. Read at every use, so that a change has effect as in the kernel. Default: {@link linuxSettings}. */
  readonly settings?: TcpSettings;
  /** Asks routing, at connect, for a SYN, and after {@link TcpEndpoint.routeChanged}. `undefined`: no route. */
  readonly route: (local: IpAddress, remote: IpAddress, ifindex: number) => RouteFacts | undefined;
  /** Congestion controls by kernel name, beside those of `@seville/congestion`. */
  readonly congestionControls?: readonly CongestionAlgorithm[];
  /** Makes what is told of a connection's deliveries and losses, such as `LossClassifier` of `@seville/congestion`; it is the connection's `lossObserver`. */
  readonly lossObserver?: (connection: TcpConnection) => LossObserver | undefined;
  /**
   * The driver takes super-packets (`gsoSize`) up to this many bytes of payload. 0, the default: single segments.
   * The kernel's `gso_max_size` is 65536, headers included.
   */
  readonly gsoMaxSize?: number;
  /** The driver finishes checksums: outgoing segments are CHECKSUM_PARTIAL. */
  readonly checksumOffload?: boolean;
  /**
   * The driver calls {@link TcpEndpoint.transmitted} for each output with a `charge` once it has left or was dropped; then no more than
   * `tcp_limit_output_bytes`, and no more than a millisecond's worth, of a connection waits in it (TCP small queues). Default false.
   */
  readonly smallQueues?: boolean;
  /** The driver verified checksums: `CHECKSUM_UNNECESSARY` is believed (always), and NONE as well. Default false. */
  readonly trustChecksums?: boolean;
  /** Is told why a segment went no further; it borrows the packet. */
  readonly dropped?: (packet: Packet, reason: DropReason) => void;
  /** Room in front of outgoing segments for lower headers, bytes. Default: the pool's. */
  readonly headroom?: number;
}

/** Is told, in the order of time, what a sender sees of its path. */
export interface LossObserver {
  onAck(ack: AckObservation): void;
  /** Once for each packet that is marked lost. */
  onLoss(loss: LossObservation): void;
  onTimeout(timeout: TimeoutObservation): void;
  onReset(reset: ResetObservation): void;
}
