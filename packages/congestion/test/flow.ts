import { createRandom, type Nanos, NEVER, NS_PER_SEC } from "@seville/core";
import {
  advanceDeparture,
  caStateAtLeast,
  type CaState,
  checkAppLimited,
  congControl,
  type CongestionAlgorithm,
  type CongestionControl,
  type CongestionState,
  createCongestionState,
  createRateSample,
  createTxRecord,
  currentSsthresh,
  cwndValidate,
  elapsedUs,
  endCwndReduction,
  inCwndReduction,
  initCwndReduction,
  packetsInFlight,
  rackAdvance,
  rackMayBeLost,
  rackReoWndUs,
  rackTimeoutUs,
  rateGen,
  type RateSample,
  rateSkbDelivered,
  rateSkbSent,
  resetRateSample,
  retransmissionTimeout,
  type TxRecord,
  undoCwndReduction,
  updateMinRtt,
  updateRtt,
} from "../src/index.ts";
import { Events } from "./events.ts";
import { Path, type PathOptions } from "./path.ts";

interface Segment {
  id: number;
  tx: TxRecord;
  /** The flight's number of this transmission: older entries of the sent queue are void. */
  transmission: number;
  delivered: boolean;
  lost: boolean;
  retransmitted: boolean;
  everRetransmitted: boolean;
}

export interface FlowOptions {
  seed?: number;
  state?: Partial<CongestionState>;
  /** Packets that the application has to send at a time; absent: always more. */
  application?: (now: Nanos) => number;
}

export const MSS = 1448;
export const WIRE = 1500;

/**
 * A sender of numbered packets over a {@link Path}, with a receiver that tells exactly what arrived: the kernel's order of
 * things (tcp_ack, tcp_enter_loss) around the package's functions, and nothing of TCP's bytes.
 */
export class Flow {
  readonly #scheduler = new Events();
  readonly state: CongestionState;
  readonly control: CongestionControl;
  readonly path: Path;
  readonly sample: RateSample = createRateSample();
  /** Called after each ACK. */
  onAck: (flow: Flow) => void = () => undefined;
  retransmissions = 0;
  timeouts = 0;
  /** Packets of new data that were delivered. */
  received = 0;
  maxRttUs = 0;
  /** Sum and number of all RTT samples. */
  rttSumUs = 0;
  rttCount = 0;
  readonly #application: ((now: Nanos) => number) | undefined;
  readonly #segments = new Map<number, Segment>();
  #sent: { segment: Segment; transmission: number }[] = [];
  #sentHead = 0;
  #lostQueue: Segment[] = [];
  #transmissions = 0;
  #undoRetrans = 0;
  #rtoAt: Nanos = NEVER;
  #backoff = 0;
  #reoAt: Nanos = NEVER;
  #sendAt: Nanos = NEVER;
  #receivedIds = new Set<number>();
  #cumulative = 0;
  #priorWstamp = 0;

  constructor(algorithm: CongestionAlgorithm, path: PathOptions, options: FlowOptions = {}) {
    const random = createRandom(options.seed ?? 1);
    this.path = new Path(path, random.fork("path"), this.#scheduler);
    this.#application = options.application;
    // A handshake took its RTT.
    this.state = createCongestionState({ mssCache: MSS, delivered: 1, now: path.rtt, ...options.state });
    this.control = algorithm.create(this.state, random.fork("control"));
    updateMinRtt(this.state, path.rtt / 1000);
    updateRtt(this.state, path.rtt / 1000);
    this.control.init();
    this.#scheduler.at(path.rtt, () => this.#send());
  }

  get now(): Nanos {
    return this.#scheduler.now;
  }

  /** Until `time`. */
  run(time: Nanos): this {
    this.#scheduler.runUntil(time);
    return this;
  }

  at(time: Nanos, what: () => void): void {
    this.#scheduler.at(time, what);
  }

  /** The application has something to say. */
  wake(): void {
    this.#send();
  }

  /** Bits of IP packets per second between two counts of {@link received}. */
  static rate(packets: number, time: Nanos): number {
    return (packets * WIRE * 8 * NS_PER_SEC) / time;
  }

  #setState(next: CaState): void {
    this.control.setState?.(next);
    this.state.caState = next;
  }

  // Sending.

  #send(): void {
    const { state } = this;
    const now = (state.now = this.#scheduler.now);
    let limited = false;
    for (;;) {
      const flight = packetsInFlight(state);
      if (flight >= state.sndCwnd) {
        limited = true;
        break;
      }
      const lost = this.#nextLost();
      if (lost === undefined && this.#unsent() <= 0) {
        checkAppLimited(state, 0);
        break;
      }
      if (state.pacingStatus === "needed" && state.tcpWstamp > now) {
        this.#wakeAt(state.tcpWstamp);
        break;
      }
      if (lost === undefined) this.#transmitNew(now);
      else this.#retransmit(lost, now);
    }
    cwndValidate(state, this.control, limited, retransmissionTimeout(state));
  }

  #unsent(): number {
    if (this.#application === undefined) return 1;
    return this.#application(this.now) - this.state.sndNxt;
  }

  #nextLost(): Segment | undefined {
    while (this.#lostQueue.length > 0) {
      const segment = this.#lostQueue[0] as Segment;
      if (segment.lost && !segment.delivered && !segment.retransmitted) return segment;
      this.#lostQueue.shift();
    }
    return undefined;
  }

  #transmitNew(now: Nanos): void {
    const { state } = this;
    const segment: Segment = {
      id: state.sndNxt,
      tx: createTxRecord(),
      transmission: 0,
      delivered: false,
      lost: false,
      retransmitted: false,
      everRetransmitted: false,
    };
    this.#segments.set(segment.id, segment);
    this.#transmit(segment, now);
    state.packetsOut++;
    state.sndNxt++;
    if (this.#rtoAt === NEVER) this.#armRto();
  }

  #retransmit(segment: Segment, now: Nanos): void {
    this.#lostQueue.shift();
    this.retransmissions++;
    this.#transmit(segment, now);
    segment.retransmitted = true;
    segment.everRetransmitted = true;
    this.#undoRetrans = Math.max(0, this.#undoRetrans) + 1;
    this.state.retransOut++;
    // tcp_xmit_retransmit_queue: the first packet of the queue starts its time anew.
    if (this.#rtoAt === NEVER || segment.id === this.state.sndUna) this.#armRto();
  }

  #transmit(segment: Segment, now: Nanos): void {
    const { state } = this;
    this.#priorWstamp = state.tcpWstamp;
    state.tcpWstamp = Math.max(state.tcpWstamp, now);
    if (packetsInFlight(state) === 0) this.control.cwndEvent?.("txStart");
    state.lsndtime = now;
    rateSkbSent(state, segment.tx, now, 1);
    state.dataSegsOut++;
    if (inCwndReduction(state)) state.prrOut++;
    segment.transmission = ++this.#transmissions;
    this.#sent.push({ segment, transmission: segment.transmission });
    const again = segment.everRetransmitted || segment.lost;
    this.path.send(WIRE, segment.id, again, (marked) => this.#arrived(segment.id, marked));
    advanceDeparture(state, WIRE, this.#priorWstamp);
  }

  #wakeAt(time: Nanos): void {
    if (this.#sendAt <= time && this.#sendAt > this.now) return;
    this.#sendAt = time;
    this.#scheduler.at(time, () => {
      if (this.#sendAt === time) this.#sendAt = NEVER;
      this.#send();
    });
  }

  // Receiving. The receiver and the way back have no time of their own: the path's delay is the whole RTT.

  #arrived(id: number, marked: boolean): void {
    const duplicate = id < this.#cumulative || this.#receivedIds.has(id);
    if (!duplicate) this.#receivedIds.add(id);
    while (this.#receivedIds.delete(this.#cumulative)) this.#cumulative++;
    this.#acked(id, this.#cumulative, duplicate, marked);
  }

  #acked(id: number, cumulative: number, duplicate: boolean, marked: boolean): void {
    const { state, sample } = this;
    state.now = this.#scheduler.now;
    resetRateSample(sample, packetsInFlight(state));
    const lostBefore = state.lost;
    const priorUna = state.sndUna;
    const ackedSacked = this.#deliver(id, marked);
    this.#advanceUna(cumulative);
    const acked = state.sndUna - priorUna;
    if (sample.rttUs >= 0) {
      updateMinRtt(state, sample.rttUs);
      updateRtt(state, sample.rttUs);
      this.#backoff = 0;
      this.#noteRtt(sample.rttUs);
    }
    this.control.pktsAcked?.({ pktsAcked: acked, rttUs: sample.rttUs, inFlight: sample.priorInFlight * MSS });
    this.control.inAckEvent?.({ slowPath: true, winUpdate: false, ece: marked });
    sample.isEce = marked;
    if (duplicate && this.#undoRetrans > 0) this.#undoRetrans--;
    this.#detectLosses();
    // tcp_try_undo_dsack: the last retransmission proves spurious when the recovery is over.
    if (duplicate && this.#undoRetrans === 0 && state.undoMarker && !caStateAtLeast(state.caState, "cwr")) {
      undoCwndReduction(state, this.control);
    }
    this.#alert(marked, acked > 0);
    rateGen(state, ackedSacked, state.lost - lostBefore, false, sample);
    const outcome = {
      ack: state.sndUna,
      ackedSacked,
      sndUnaAdvanced: acked > 0,
      dataAcked: acked > 0,
      forwardProgress: ackedSacked > 0,
    };
    congControl(state, this.control, outcome, sample);
    if (acked > 0) this.#armRto();
    this.onAck(this);
    this.#send();
  }

  #deliver(id: number, marked: boolean): number {
    const { state, sample } = this;
    const segment = this.#segments.get(id);
    if (segment === undefined || segment.delivered) return 0;
    segment.delivered = true;
    this.received++;
    state.delivered++;
    if (marked) state.deliveredCe++;
    state.sackedOut++;
    if (segment.lost) state.lostOut--;
    if (segment.retransmitted) state.retransOut--;
    if (!segment.everRetransmitted) sample.rttUs = elapsedUs(state.now, segment.tx.sentAt);
    rateSkbDelivered(state, segment.tx, id + 1, segment.everRetransmitted, sample);
    rackAdvance(state, segment.everRetransmitted, id + 1, segment.tx.sentAt);
    return 1;
  }

  #advanceUna(cumulative: number): void {
    const { state } = this;
    for (; state.sndUna < cumulative; state.sndUna++) {
      this.#segments.delete(state.sndUna);
      state.packetsOut--;
      state.sackedOut--;
    }
  }

  #noteRtt(rttUs: number): void {
    this.maxRttUs = Math.max(this.maxRttUs, rttUs);
    this.rttSumUs += rttUs;
    this.rttCount++;
  }

  // Loss.

  #detectLosses(): void {
    const { state } = this;
    const reoWnd = rackReoWndUs(state);
    for (; this.#sentHead < this.#sent.length; this.#sentHead++) {
      const { segment, transmission } = this.#sent[this.#sentHead] as { segment: Segment; transmission: number };
      const isVoid = segment.delivered || segment.transmission !== transmission;
      if (isVoid || (segment.lost && !segment.retransmitted)) continue;
      if (!rackMayBeLost(state, segment.tx.sentAt, segment.id + 1)) break;
      const remaining = rackTimeoutUs(state, segment.tx.sentAt, reoWnd);
      if (remaining > 0) {
        this.#armReo(remaining);
        break;
      }
      this.#markLost(segment);
    }
    if (this.#sentHead > 10_000) {
      this.#sent = this.#sent.slice(this.#sentHead);
      this.#sentHead = 0;
    }
  }

  #markLost(segment: Segment): void {
    const { state } = this;
    if (segment.retransmitted) {
      state.retransOut--;
      segment.retransmitted = false;
    } else if (!segment.lost) {
      state.lostOut++;
    }
    segment.lost = true;
    state.lost++;
    this.#queueLost(segment);
    this.control.markedLost?.(segment.tx, 1);
  }

  /** Lowest number first (tcp_verify_retransmit_hint). */
  #queueLost(segment: Segment): void {
    let [low, high] = [0, this.#lostQueue.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#lostQueue[middle] as Segment).id < segment.id) low = middle + 1;
      else high = middle;
    }
    this.#lostQueue.splice(low, 0, segment);
  }

  #armReo(remainingUs: number): void {
    const time = this.now + (remainingUs + 1) * 1000;
    if (this.#reoAt <= time && this.#reoAt > this.now) return;
    this.#reoAt = time;
    this.#scheduler.at(time, () => {
      if (this.#reoAt !== time) return;
      this.#reoAt = NEVER;
      const { state } = this;
      state.now = time;
      this.#detectLosses();
      if (state.lostOut > 0 && !caStateAtLeast(state.caState, "recovery")) this.#enterRecovery(false);
      this.#send();
    });
  }

  /** tcp_fastretrans_alert: from state to state. */
  #alert(ece: boolean, advanced: boolean): void {
    const { state, control } = this;
    if (state.caState === "recovery" || state.caState === "loss") {
      if (state.undoMarker && this.#undoRetrans === 0) {
        undoCwndReduction(state, control);
        for (const segment of this.#lostQueue.splice(0)) this.#unmark(segment);
        this.#setState("open");
      } else if (advanced && state.sndUna >= state.highSeq) {
        if (state.caState === "recovery") endCwndReduction(state, control);
        this.#setState("open");
      }
      return;
    }
    if (state.caState === "cwr" && advanced && state.sndUna > state.highSeq) {
      endCwndReduction(state, control);
      this.#setState("open");
    }
    if (state.lostOut > 0) {
      this.#enterRecovery(ece);
    } else if (ece && state.ecnOk && !caStateAtLeast(state.caState, "cwr")) {
      state.priorSsthresh = 0;
      initCwndReduction(state, control);
      this.#setState("cwr");
    } else if (state.caState !== "cwr") {
      const next = state.sackedOut > 0 ? "disorder" : "open";
      if (next !== state.caState) this.#setState(next);
    }
  }

  #unmark(segment: Segment): void {
    if (!segment.lost || segment.delivered) return;
    segment.lost = false;
    this.state.lostOut--;
  }

  #enterRecovery(ece: boolean): void {
    const { state, control } = this;
    state.priorSsthresh = 0;
    this.#initUndo();
    if (!inCwndReduction(state)) {
      if (!ece) state.priorSsthresh = currentSsthresh(state);
      initCwndReduction(state, control);
    }
    this.#setState("recovery");
  }

  #initUndo(): void {
    this.state.undoMarker = true;
    // Without a retransmission there is nothing that could prove spurious.
    this.#undoRetrans = this.state.retransOut || -1;
  }

  // The retransmission timer.

  #armRto(): void {
    const { state } = this;
    if (state.packetsOut === 0) {
      this.#rtoAt = NEVER;
      return;
    }
    const time = this.now + retransmissionTimeout(state) * 2 ** this.#backoff;
    const armed = this.#rtoAt;
    this.#rtoAt = time;
    if (armed !== NEVER && armed > this.now && armed <= time) return;
    this.#watchRto(time);
  }

  /** One event at a time looks whether the deadline has moved. */
  #watchRto(time: Nanos): void {
    this.#scheduler.at(time, () => {
      if (this.#rtoAt === NEVER) return;
      if (this.#rtoAt > this.now) this.#watchRto(this.#rtoAt);
      else this.#timeout();
    });
  }

  /** tcp_enter_loss. */
  #timeout(): void {
    const { state, control } = this;
    state.now = this.now;
    this.timeouts++;
    for (const segment of this.#segments.values()) {
      if (!segment.delivered && (!segment.lost || segment.retransmitted)) this.#markLost(segment);
    }
    if (!caStateAtLeast(state.caState, "cwr") || state.sndUna >= state.highSeq || state.caState === "loss") {
      state.priorSsthresh = currentSsthresh(state);
      state.priorCwnd = state.sndCwnd;
      state.sndSsthresh = control.ssthresh();
      control.cwndEvent?.("loss");
      this.#initUndo();
    }
    state.sndCwnd = packetsInFlight(state) + 1;
    state.sndCwndCnt = 0;
    this.#setState("loss");
    state.highSeq = state.sndNxt;
    this.#backoff++;
    this.#rtoAt = NEVER;
    this.#armRto();
    this.#send();
  }
}
