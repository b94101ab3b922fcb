import type { AckPort, CaState, CongestionControl, CongestionState, RackState } from "@seville/congestion";
import { INFINITE_SSTHRESH, INIT_CWND, NO_TIME } from "@seville/congestion";
import { type Nanos, NEVER, NS_PER_SEC, WindowedFilter } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { TableEntry } from "./connection-table.ts";
import { DEFAULT_SOCKET_OPTIONS, type SocketOptions } from "./connection-options.ts";
import type { Embryo } from "./embryo.ts";
import type { TcpListener } from "./listener.ts";
import type { AccurateEcn } from "./acc-ecn.ts";
import type { MtuSearch } from "./plpmtud.ts";
import type { RcvbufAutotune, ReceiveQueue, SackBlocks, SendBuffer } from "./parts.ts";
import { RareFields } from "./rare-fields.ts";
import type { SegmentQueue } from "./segment-queue.ts";
import type { TxSegment } from "./tx-segment.ts";
import type { LossObserver, RouteFacts } from "./types.ts";

/** RFC 9293 §3.3.2, by the kernel's names (include/net/tcp_states.h), with its numbers in `tcpi_state`. */
export type TcpState =
  | "ESTABLISHED"
  | "SYN_SENT"
  | "SYN_RECV"
  | "FIN_WAIT1"
  | "FIN_WAIT2"
  | "TIME_WAIT"
  | "CLOSE"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "LISTEN"
  | "CLOSING";

/** What the one transmit timer waits for (`icsk_pending`). */
export const TIMER_NONE = 0;
export const TIMER_RETRANS = 1;
export const TIMER_PROBE0 = 3;
export const TIMER_LOSS_PROBE = 5;
export const TIMER_REO_TIMEOUT = 6;

/** `icsk_ack.pending`. */
export const ACK_SCHED = 1;
export const ACK_TIMER = 2;
export const ACK_PUSHED = 4;
export const ACK_PUSHED2 = 8;
export const ACK_NOW = 16;

/** `ecn_flags`. */
export const ECN_OK = 1;
export const ECN_QUEUE_CWR = 2;
export const ECN_DEMAND_CWR = 4;
export const ECN_SEEN = 8;

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;

/** Urgent data that came (RFC 9293 §3.8.5, RFC 6093): where it is, and the byte before the mark where it is kept out of line. */
export interface UrgentState {
  /** `urg_seq`: position of the urgent byte, int32. */
  seq: number;
  /** The byte has arrived and was not read; -1: not here yet; -2: was read. */
  byte: number;
}

/** An MTU probe on its way, and the search (RFC 4821). */
export interface MtuProbe {
  readonly search: MtuSearch;
  probeStart: number;
  probeEnd: number;
}

/** Fast Open of one connection (RFC 7413). */
export interface FastOpenState {
  /** Client: data went with the SYN, and how many bytes of it. */
  synData: boolean;
  synDataLength: number;
  /** Of those the SYN/ACK acknowledged something (`syn_data_acked`). */
  synDataAcked: boolean;
  /** Client: what goes into the option: a cookie, or nothing to ask for one; `undefined`: no option. */
  cookieSent: Uint8Array | undefined;
  /** Client: the option was on the first SYN, and is on no later one. */
  offered: boolean;
  asked: boolean;
  experimental: boolean;
  /** Client with TCP_FASTOPEN_CONNECT, or sendto before connect: the SYN waits for the first write. */
  deferred: boolean;
  /** Server: the child exists since the SYN, and its SYN/ACK is repeated like an embryo's. */
  server: boolean;
  /** Server: what to answer in the option: a cookie, and how it was asked for. */
  answerCookie: Uint8Array | undefined;
  /** `tcpi_fastopen_client_fail`: 0 unspecified, 1 cookie unavailable, 2 data not acked, 3 SYN retransmitted. */
  clientFail: number;
  /** Server: what is known of the SYN, while the handshake is not done. */
  embryo: Embryo | undefined;
}

/** PLB (tcp_plb.c) and flow-label re-draws. */
export interface PlbState {
  consecutiveRounds: number;
  pauseUntil: Nanos;
  roundEnd: number;
  roundDelivered: number;
  roundDeliveredCe: number;
}

/**
 * A connection: the kernel's `tcp_sock` as plain data, and the {@link CongestionState} that its congestion control works on. Procedures are functions in files of their
 * own. **All sequence numbers are int32.** Users read `state`, `error`, the ends, `id`; everything else is for the engine and `tcp_info`.
 */
export class TcpConnection extends RareFields implements CongestionState {
  // Who it is.
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  /** Bound to this device; 0: to none. */
  readonly ifindex: number;
  /** Hash of the four-tuple in the table, and the next connection in its chain. */
  hash = 0;
  chain: TableEntry | undefined = undefined;
  /** The user's own word about it (a socket). */
  user: unknown = undefined;
  state: TcpState = "CLOSE";
  /** Errno of the failure that the user has not been told yet (`sk_err`), and of an ICMP error that may pass (`sk_err_soft`). */
  error: string | undefined = undefined;
  /** {@link RCV_SHUTDOWN} and {@link SEND_SHUTDOWN}. */
  shutdown = 0;
  /** Events that wait in the queue (events.ts). */
  told = 0;
  /** The handshake is done as far as the transfer of data is concerned. */
  established = false;
  /** The listener's owner was told of it. */
  announced = false;
  /** It may be put to sleep soon; it was (doze.ts). */
  drowsy = false;
  dozing = false;
  /** No socket holds it any more (SOCK_DEAD): it lives on to finish the goodbye. */
  orphan = false;
  /** The listener that it came through, until it is accepted. */
  parent: TcpListener | undefined = undefined;
  options: SocketOptions = DEFAULT_SOCKET_OPTIONS;
  route: RouteFacts;
  /** `sk_txhash`. */
  txhash = 1;
  /** Where it stands in the heap of deadlines (-1: not), and for when. */
  heapIndex = -1;
  heapAt: Nanos = NEVER;

  // Timers (NEVER: not running).
  /** {@link TIMER_RETRANS} …: what `timeout` is for. */
  pending: number = TIMER_NONE;
  timeout: Nanos = NEVER;
  delackTimeout: Nanos = NEVER;

  // Options negotiated.
  sackOk = false;
  tstampOk = false;
  wscaleOk = false;
  sndWscale = 0;
  rcvWscale = 0;
  /** The peer's MSS option, and ours. */
  mssClamp = 536;
  advmss = 536;
  /** Bytes of TCP header with the options that every segment has. */
  tcpHeaderLen = 20;
  ecnFlags = 0;
  accEcn: AccurateEcn | undefined = undefined;

  // Sending.
  iss = 0;
  sndUna = 0;
  sndNxt = 0;
  /** Behind the last byte that the user wrote (`write_seq`). */
  writeSeq = 0;
  sndWnd = 0;
  sndWl1 = 0;
  maxWindow = 0;
  /** End of the last segment sent that was smaller than the MSS (Minshall). */
  sndSml = 0;
  /** Behind the urgent byte that the user sent (`snd_up`). */
  sndUp = 0;
  pushedSeq = 0;
  /** Path MTU in use, IP bytes (`icsk_pmtu_cookie`). */
  pmtuCookie = 0;
  /** Not sent yet, and sent but not acknowledged. */
  writeQueue: SegmentQueue | undefined = undefined;
  rtxQueue: SegmentQueue | undefined = undefined;
  sendBuffer: SendBuffer | undefined = undefined;
  sndbuf = 0;
  /** What the write and retransmission queues cost (`sk_wmem_queued`). */
  wmemQueued = 0;
  /** The user met a full buffer: tell when there is room (SOCK_NOSPACE). */
  noSpace = false;
  /** The user has data that waits for the handshake, or for room in the buffer (`sk_write_pending`). */
  writePending = false;
  /** Oldest and newest of the list by time of sending. */
  tsHead: TxSegment | undefined = undefined;
  tsTail: TxSegment | undefined = undefined;
  nonagle = 0;
  fastOpen: FastOpenState | undefined = undefined;

  // Retransmission.
  /** ns. */
  rto: Nanos = NS_PER_SEC;

  // Receiving.
  irs = 0;
  rcvNxt = 0;
  rcvWnd = 0;
  /** RCV.NXT of the last window that was sent (`rcv_wup`). */
  rcvWup = 0;
  /** Most that may be offered now (receiver's slow start), and the greatest offer ever. */
  rcvSsthresh = 0;
  windowClamp = 0;
  rcvbuf = 0;
  copiedSeq = 0;
  receiveQueue: ReceiveQueue | undefined = undefined;
  sackBlocks: SackBlocks | undefined = undefined;
  autotune: RcvbufAutotune | undefined = undefined;
  rcvMss = 536;
  lastSegSize = 0;
  ato: Nanos = 0;
  quick = 0;
  /** SO_RCVLOWAT. */
  rcvLowat = 1;
  pingpong = 0;
  /** {@link ACK_SCHED} …. */
  ackPending = 0;
  lrcvtime: Nanos = 0;
  rcvTstamp: Nanos = 0;
  tsRecent = 0;
  /** When it was taken; NO_TIME: never. */
  tsRecentStamp: Nanos = NO_TIME;
  tsOffset = 0;
  /** Timestamps of the segment that is being worked on (`rx_opt`). */
  rcvTsval = 0;
  rcvTsecr = 0;
  sawTstamp = false;
  finReceived = false;
  rcvRttLastTsecr = 0;
  /** IPv6 flow label of the last data. */
  lrcvFlowlabel = 0;

  // Counted for tcp_info.
  bytesAcked = 0;
  bytesReceived = 0;
  bytesSent = 0;
  segsIn = 0;
  segsOut = 0;
  dataSegsIn = 0;
  dataSegsOut = 0;
  /** 0 none, 1 busy, 2 rwnd_limited, 3 sndbuf_limited; since when; sums in ns. */
  chronoType = 0;
  chronoStart: Nanos = 0;
  chronoBusy: Nanos = 0;
  chronoRwnd: Nanos = 0;
  chronoSndbuf: Nanos = 0;

  // CongestionState.
  congestion: CongestionControl | undefined = undefined;
  ackPort: AckPort | undefined = undefined;
  now: Nanos = 0;
  sndCwnd: number = INIT_CWND;
  sndCwndCnt = 0;
  sndCwndClamp = 0x7fff_ffff;
  sndCwndUsed = 0;
  sndCwndStamp: Nanos = 0;
  sndSsthresh: number = INFINITE_SSTHRESH;
  priorCwnd = 0;
  priorSsthresh = 0;
  prrDelivered = 0;
  prrOut = 0;
  isCwndLimited = false;
  maxPacketsOut = 0;
  cwndUsageSeq = 0;
  packetsOut = 0;
  sackedOut = 0;
  lostOut = 0;
  retransOut = 0;
  delivered = 0;
  deliveredCe = 0;
  lost = 0;
  /** Is told of deliveries and losses, if the endpoint was given one. */
  lossObserver: LossObserver | undefined = undefined;
  // A bubble is in the pipe until the first ACK.
  appLimited = 1;
  highSeq = 0;
  caState: CaState = "open";
  undoMarker = false;
  mssCache = 536;
  gsoMaxSize = 65_536;
  srttUs = 0;
  mdevUs = 1_000_000;
  mdevMaxUs = 0;
  rttvarUs = 0;
  rttSeq = 0;
  readonly rttMin: WindowedFilter = new WindowedFilter(Infinity);
  firstTxMstamp: Nanos = NO_TIME;
  deliveredMstamp: Nanos = NO_TIME;
  rateDelivered = 0;
  rateIntervalUs = 0;
  rateAppLimited = true;
  reordering = 3;
  reordSeen = 0;
  readonly rack: RackState = {
    mstamp: NO_TIME,
    rttUs: 0,
    endSeq: 0,
    lastDelivered: 0,
    reoWndSteps: 1,
    reoWndPersist: 0,
    dsackSeen: false,
    advanced: false,
  };
  pacingRate: number = Infinity;
  pacingStatus: "none" | "needed" | "fq" = "none";
  pacingShift = 10;
  /** What was handed to the driver and has not left, bytes (`sk_wmem_alloc`); 0 where the driver does not tell. */
  wmemAlloc = 0;
  /** It waits until something of that has left (TSQ_THROTTLED). */
  throttled = false;
  tcpWstamp: Nanos = 0;
  lsndtime: Nanos = 0;

  constructor(
    localAddress: IpAddress,
    localPort: number,
    remoteAddress: IpAddress,
    remotePort: number,
    ifindex: number,
    route: RouteFacts,
  ) {
    super();
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.ifindex = ifindex;
    this.route = route;
  }

  /** 4 or 6. */
  get family(): 4 | 6 {
    return typeof this.localAddress === "number" ? 4 : 6;
  }

  /** SO_MAX_PACING_RATE. */
  get maxPacingRate(): number {
    return this.options.maxPacingRate;
  }

  /** ECN was negotiated, by either way. */
  get ecnOk(): boolean {
    return (this.ecnFlags & ECN_OK) !== 0;
  }
}
