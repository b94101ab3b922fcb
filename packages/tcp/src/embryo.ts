import { NO_TIME } from "@seville/congestion";
import { type Nanos, NEVER } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { TableEntry } from "./connection-table.ts";
import type { TcpListener } from "./listener.ts";
import type { RouteFacts } from "./types.ts";

/** A handshake of which we have sent the SYN/ACK (RFC 9293 SYN-RECEIVED): as little as it takes to finish it (`tcp_request_sock`). */
export class Embryo implements TableEntry {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly ifindex: number;
  readonly listener: TcpListener;
  readonly route: RouteFacts;
  hash = 0;
  chain: TableEntry | undefined = undefined;
  heapIndex = -1;
  heapAt: Nanos = NEVER;
  expires: Nanos = 0;

  /** Sequence numbers of the SYN and the SYN/ACK, int32. */
  readonly rcvIsn: number;
  sntIsn = 0;
  rcvNxt = 0;
  mss = 536;
  sndWscale = 0;
  rcvWscale = 0;
  wscaleOk = false;
  sackOk = false;
  tstampOk = false;
  ecnOk = false;
  /** AccECN: the IP ECN of the SYN; -1: not that. */
  accEcn = -1;
  tsRecent = 0;
  tsOffset = 0;
  rcvWnd = 0;
  windowClamp = 0;
  txhash = 1;
  tos = 0;
  synEcn = 0;
  /** Timeouts of the SYN/ACK, and how often it was repeated. */
  numTimeout = 0;
  numRetrans = 0;
  /** Interval of the first timeout. */
  timeout: Nanos = 0;
  /** When the SYN/ACK was first sent. */
  sntSynack: Nanos = NO_TIME;
  /** The last ACK has come, and was not taken (accept queue full, TCP_DEFER_ACCEPT). */
  acked = false;
  lastOowAckTime: Nanos = NO_TIME;
  /** Answer to a request for a Fast Open cookie. */
  fastOpenCookie: Uint8Array | undefined = undefined;
  fastOpenExperimental = false;
  /** TCP_SAVE_SYN. */
  savedSyn: Uint8Array | undefined = undefined;

  constructor(
    localAddress: IpAddress,
    localPort: number,
    remoteAddress: IpAddress,
    remotePort: number,
    ifindex: number,
    listener: TcpListener,
    route: RouteFacts,
    rcvIsn: number,
  ) {
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.ifindex = ifindex;
    this.listener = listener;
    this.route = route;
    this.rcvIsn = rcvIsn;
  }

  /** As `ss` shows it. */
  get state(): "SYN_RECV" {
    return "SYN_RECV";
  }
}
