import { add, CHECKSUM_COMPLETE, CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, isValid } from "@seville/checksum";
import { type Engine, invalidArgument, type Nanos, NEVER, SevilleError } from "@seville/core";
import { type IpAddress, type Packet, tcp as wire } from "@seville/packet";
import { DEFAULT_SOCKET_OPTIONS, type SocketOptions } from "./connection-options.ts";
import { TcpConnection } from "./connection.ts";
import { MSG_FASTOPEN } from "./constants.ts";
import { TcpContext, type TimedEntry } from "./context.ts";
import type { TcpExtMib, TcpMib } from "./counters.ts";
import { forget } from "./done.ts";
import { dozeOff, nextDoze, noteIdle } from "./doze.ts";
import { dropSegment } from "./drop.ts";
import { Embryo } from "./embryo.ts";
import { eventTaken, tellError } from "./events.ts";
import { checkCookie, clientFastOpenEnabled, newFastOpen } from "./fast-open-client.ts";
import { createFastOpenKeys } from "./fast-open-cookie.ts";
import { icmpError } from "./icmp.ts";
import { type TcpInfo, tcpInfo } from "./info.ts";
import { synReceived } from "./listen.ts";
import { findListener, type ListenAddress, newListener, removeListener } from "./listeners.ts";
import type { TcpListener } from "./listener.ts";
import { connectNow, prepareOpen } from "./open.ts";
import { pseudoHeaderSum } from "./output.ts";
import type { FastOpenKeys, Segment } from "./parts.ts";
import { atMark, readableBytes, receive } from "./read.ts";
import { connectionSegment } from "./receive.ts";
import { sendReset } from "./reset.ts";
import { send, writeBeforeSyn } from "./send.ts";
import { isWriteable } from "./send-space.ts";
import { setOptions, setQuickack } from "./set-options.ts";
import type { TcpSettings } from "./settings.ts";
import { close, disconnect, shutdownReceive, shutdownSend } from "./shutdown.ts";
import { cookieSegment, dropEmbryo, embryoSegment, embryoTimer } from "./syn-received.ts";
import { segmentLeft } from "./small-queue.ts";
import { connectionTimers, nextDeadline } from "./timers.ts";
import { endTimeWait, TimeWait, timeWaitAck, timeWaitSegment } from "./time-wait.ts";
import type { RouteFacts, TcpEnd, TcpEndpointOptions, TcpEvent, TcpIcmpError, TcpMeta, TcpOutput } from "./types.ts";
import { dropEmptyQueues } from "./write-queue.ts";
import { readSegment } from "./wire/segment.ts";

/** What a listener is made of. */
export interface ListenOptions extends ListenAddress {
  /** listen's second argument; at most `settings.somaxconn`. */
  readonly backlog?: number;
  /** TCP_FASTOPEN: longest queue of handshakes that Fast Open cut short; 0: none. */
  readonly fastOpen?: number;
  /** What its connections inherit. */
  readonly options?: Partial<SocketOptions>;
}

/** What a connection is opened with. */
export interface ConnectOptions {
  readonly ifindex?: number;
  readonly options?: Partial<SocketOptions>;
  /** Data for the SYN (MSG_FASTOPEN). How much of it was taken: `connection.fastOpenTaken`. */
  readonly data?: Uint8Array;
}

/**
 * A host's TCP: listeners, connections, and who segments belong to. Sans-IO: `handle` takes segments, `poll` gives them, `pollEvent` tells what
 * users should know, `nextTimeout` when to call `handleTimeout`. All calls take the time, which never goes back; drain `poll` and `pollEvent` after each.
 */
export class TcpEndpoint implements Engine<Packet, TcpMeta, TcpOutput, TcpEvent> {
  readonly #tcp: TcpContext;

  constructor(options: TcpEndpointOptions) {
    if (typeof options.secretRandom !== "function") {
      throw invalidArgument("secretRandom", "a function that fills an array with secrets", options.secretRandom);
    }
    this.#tcp = new TcpContext(options, options.congestionControls ?? []);
  }

  /** `Tcp:` of /proc/net/snmp, and `TcpExt:` of /proc/net/netstat. */
  get mib(): TcpMib {
    return this.#tcp.mib;
  }

  get extMib(): TcpExtMib {
    return this.#tcp.ext;
  }

  get settings(): TcpSettings {
    return this.#tcp.settings;
  }

  /** The server's Fast Open keys (`tcp_fastopen_key`). */
  get fastOpenKeys(): FastOpenKeys {
    return this.#tcp.fastOpenKeys;
  }

  /** Sets the Fast Open keys of one listener (TCP_FASTOPEN_KEY), or of all that have none of their own: the one in use, and an older one. */
  setFastOpenKeys(listener: TcpListener | undefined, keys: readonly Uint8Array[]): void {
    const tcp = this.#tcp;
    if (listener === undefined) tcp.fastOpenKeys.setKeys(keys);
    else (listener.fastOpenKeys ??= createFastOpenKeys(tcp.secretRandom)).setKeys(keys);
  }

  /** Connections, embryos and TIME-WAITs, for `ss`. */
  *entries(): IterableIterator<TcpConnection | Embryo | TimeWait> {
    for (const entry of this.#tcp.table.entries()) yield entry as TcpConnection | Embryo | TimeWait;
  }

  *listeners(): IterableIterator<TcpListener> {
    for (const list of this.#tcp.listeners.values()) yield* list;
  }

  // ------------------------------------------------------------------------------------------------ the engine

  handle(packet: Packet, meta: TcpMeta, now: Nanos): void {
    const tcp = this.#begin(now);
    tcp.mib.InSegs++;
    tcp.packet = packet;
    if (packet.fragList !== undefined && !packet.linearize()) dropSegment(tcp, "NOMEM");
    else if (readSegment(tcp.memory.view, packet.data, packet.tail, tcp.segment) !== undefined) {
      tcp.mib.InErrs++;
      dropSegment(tcp, "PKT_TOO_SMALL");
    } else if (!this.#checksumOk(packet, meta)) {
      tcp.mib.InCsumErrors++;
      tcp.mib.InErrs++;
      dropSegment(tcp, "TCP_CSUM");
    } else this.#segment(packet, meta);
    tcp.packet = undefined;
  }

  handleTimeout(now: Nanos): void {
    const tcp = this.#begin(now);
    for (let entry = tcp.deadlines.take(now); entry !== undefined; entry = tcp.deadlines.take(now)) {
      this.#timer(entry);
    }
    dozeOff(tcp);
  }

  poll(now: Nanos): TcpOutput | undefined {
    const tcp = this.#begin(now);
    const output = tcp.outputs[tcp.outputHead];
    if (output === undefined) {
      tcp.outputs.length = 0;
      tcp.outputHead = 0;
      return undefined;
    }
    tcp.outputHead++;
    return output;
  }

  pollEvent(): TcpEvent | undefined {
    const tcp = this.#tcp;
    const event = tcp.events[tcp.eventHead];
    if (event === undefined) {
      tcp.events.length = 0;
      tcp.eventHead = 0;
      return undefined;
    }
    tcp.eventHead++;
    eventTaken(event.connection, event.type);
    return event;
  }

  nextTimeout(): Nanos {
    return Math.min(this.#tcp.deadlines.next, nextDoze(this.#tcp));
  }

  // ------------------------------------------------------------------------------------------------- the users

  /**
   * Passive open (RFC 9293 §3.10.1).
   * @throws SevilleError `EADDRINUSE`
   */
  listen(options: ListenOptions, now: Nanos): TcpListener {
    const tcp = this.#begin(now);
    const listener = newListener(
      tcp,
      options,
      Math.min(options.backlog ?? tcp.settings.somaxconn, tcp.settings.somaxconn),
      options.fastOpen ?? ((tcp.settings.tcp_fastopen & 0x400) === 0 ? 0 : tcp.settings.somaxconn),
      { ...DEFAULT_SOCKET_OPTIONS, ...options.options },
    );
    return listener;
  }

  /** Ends a listener: handshakes under way and connections that nobody accepted are reset. */
  closeListener(listener: TcpListener, now: Nanos): void {
    const tcp = this.#begin(now);
    if (!listener.open) return;
    removeListener(tcp, listener);
    for (const entry of [...tcp.table.entries()]) {
      if (entry instanceof Embryo && entry.listener === listener) dropEmbryo(tcp, entry);
    }
    for (const c of listener.acceptQueue.splice(0)) this.#abort(c);
  }

  /** The oldest connection that is complete; `undefined`: none is. */
  accept(listener: TcpListener, now: Nanos): TcpConnection | undefined {
    this.#begin(now);
    const index = listener.acceptQueue.findIndex((c) => c.announced || c.fastOpen?.server === true);
    if (index < 0) return undefined;
    const [c] = listener.acceptQueue.splice(index, 1);
    if (c === undefined) return undefined;
    if (c.fastOpen?.server === true) c.acceptedFrom = listener;
    c.parent = undefined;
    return c;
  }

  /**
   * Active open (RFC 9293 §3.10.1). With TCP_FASTOPEN_CONNECT and a cookie at hand the SYN waits for the first `send`.
   * @throws SevilleError `ENETUNREACH`; `EADDRNOTAVAIL` if this very connection exists
   */
  connect(local: TcpEnd, remote: TcpEnd, options: ConnectOptions, now: Nanos): TcpConnection {
    const tcp = this.#begin(now);
    const ifindex = options.ifindex ?? 0;
    const route = tcp.route(local.address, remote.address, ifindex);
    if (route === undefined) throw new SevilleError("ENETUNREACH", "there is no route to the destination");
    this.#makeRoom(local, remote, ifindex);
    const c = new TcpConnection(local.address, local.port, remote.address, remote.port, ifindex, route);
    c.options =
      options.options === undefined ? DEFAULT_SOCKET_OPTIONS : { ...DEFAULT_SOCKET_OPTIONS, ...options.options };
    tcp.table.insert(c);
    prepareOpen(tcp, c);
    const wantsFastOpen = clientFastOpenEnabled(tcp);
    if (options.data !== undefined && wantsFastOpen) {
      c.fastOpen = newFastOpen();
      this.#openWithData(c, options.data);
    } else if (c.options.fastOpenConnect && wantsFastOpen && checkCookie(tcp, c)) {
      if (c.fastOpen !== undefined) c.fastOpen.deferred = true;
      c.state = "SYN_SENT";
    } else connectNow(tcp, c);
    this.#schedule(c);
    return c;
  }

  /**
   * Writes; answers how many bytes were taken: 0, and the buffer is full (or the handshake not done): `writable` tells.
   * @throws SevilleError `EPIPE`, `ENOTCONN`, or the connection's error
   */
  send(c: TcpConnection, bytes: Uint8Array, flags: number, now: Nanos): number {
    const tcp = this.#begin(now);
    if (c.fastOpen?.deferred === true) return this.#openWithData(c, bytes);
    const sent = send(tcp, c, bytes, flags & ~MSG_FASTOPEN);
    this.#schedule(c);
    return sent;
  }

  /**
   * Reads; 0: the end, -1: nothing yet.
   * @throws SevilleError the connection's error, `ENOTCONN`, `EINVAL`
   */
  receive(c: TcpConnection, into: Uint8Array, flags: number, now: Nanos): number {
    const tcp = this.#begin(now);
    const read = receive(tcp, c, into, flags);
    this.#schedule(c);
    return read;
  }

  /** Bytes that can be read now (SIOCINQ). */
  readable(c: TcpConnection): number {
    return readableBytes(c);
  }

  /** Reading stands at the urgent mark (SIOCATMARK). */
  atMark(c: TcpConnection): boolean {
    return atMark(c);
  }

  /** A write would be taken (EPOLLOUT, `sk_stream_is_writeable`). */
  isWriteable(c: TcpConnection): boolean {
    return isWriteable(this.#tcp, c);
  }

  /** What stands between these ends: a connection, a handshake under way, or the rest of one. */
  find(local: TcpEnd, remote: TcpEnd, ifindex = 0, sdif = 0): TcpConnection | Embryo | TimeWait | undefined {
    const { table, settings } = this.#tcp;
    const accept = settings.tcp_l3mdev_accept !== 0;
    const entry = table.lookup(local.address, local.port, remote.address, remote.port, ifindex, sdif, accept);
    return entry as TcpConnection | Embryo | TimeWait | undefined;
  }

  /**
   * Half close (RFC 9293 §3.6): no more reading, writing, or both.
   * @throws SevilleError `ENOTCONN`
   */
  shutdown(c: TcpConnection, how: "read" | "write" | "both", now: Nanos): void {
    const tcp = this.#begin(now);
    c.now = now;
    if (c.state === "CLOSE") throw new SevilleError("ENOTCONN", "the connection is not open");
    if (how !== "write") shutdownReceive(tcp, c);
    if (how !== "read") shutdownSend(tcp, c);
    this.#schedule(c);
  }

  /** The user is done with the connection: FIN, or RST if data was not read or SO_LINGER is 0. */
  close(c: TcpConnection, now: Nanos): void {
    const tcp = this.#begin(now);
    c.now = now;
    close(tcp, c);
    this.#schedule(c);
  }

  /** ABORT (RFC 9293 §3.10.5): RST, at once. */
  abort(c: TcpConnection, now: Nanos): void {
    this.#begin(now);
    this.#abort(c);
  }

  /** What `ss -K` does (`tcp_abort`): a connection is reset and says ECONNABORTED; what is less than one is forgotten. */
  kill(entry: TcpConnection | Embryo | TimeWait, now: Nanos): void {
    const tcp = this.#begin(now);
    if (entry instanceof Embryo) dropEmbryo(tcp, entry);
    else if (entry instanceof TimeWait) endTimeWait(tcp, entry);
    else if (entry.state !== "CLOSE") {
      tellError(tcp, entry, "ECONNABORTED");
      this.#abort(entry);
    }
  }

  /** Changes socket options, by the kernel's names in camelCase. */
  setOptions(c: TcpConnection, changes: Partial<SocketOptions>, now: Nanos): void {
    setOptions(this.#begin(now), c, changes);
    this.#schedule(c);
  }

  /** TCP_QUICKACK. */
  setQuickack(c: TcpConnection, value: number, now: Nanos): void {
    setQuickack(this.#begin(now), c, value);
    this.#schedule(c);
  }

  /** An output with this `charge` has left the host, or was dropped in it: needed with `smallQueues`. May set `nextTimeout` to `now`. */
  transmitted(c: TcpConnection, charge: number, now: Nanos): void {
    segmentLeft(this.#begin(now), c, charge, now);
  }

  /** SO_ERROR: the error that waits, once. */
  takeError(c: TcpConnection): string | undefined {
    const { error } = c;
    c.error = undefined;
    return error;
  }

  /** TCP_INFO. */
  info(c: TcpConnection, now: Nanos): TcpInfo {
    return tcpInfo(this.#begin(now), c);
  }

  /** An ICMP error, which the IP layer has checked. `false`: it is about none of our connections. */
  handleIcmp(error: TcpIcmpError, now: Nanos): boolean {
    const tcp = this.#begin(now);
    const local = { address: error.source, port: error.sourcePort };
    const remote = { address: error.destination, port: error.destinationPort };
    const entry = this.find(local, remote, error.ifindex, error.sdif);
    if (entry === undefined) return false;
    icmpError(tcp, entry, error);
    if (entry instanceof TcpConnection) this.#schedule(entry);
    return true;
  }

  /** The route of a connection has changed: MTU and what else it says is taken over with the next segment. */
  routeChanged(c: TcpConnection, route: RouteFacts): void {
    c.route = route;
  }

  /** The end of the endpoint itself: everything is forgotten without a word, and all packets are given back. */
  destroy(): void {
    const tcp = this.#tcp;
    for (const entry of [...tcp.table.entries()]) {
      if (entry instanceof Embryo) dropEmbryo(tcp, entry);
      else if (entry instanceof TimeWait) endTimeWait(tcp, entry);
      else if (entry instanceof TcpConnection) {
        entry.state = "CLOSE";
        forget(tcp, entry);
        entry.receiveQueue?.clear();
      }
    }
    for (let i = tcp.outputHead; i < tcp.outputs.length; i++) tcp.outputs[i]?.packet.release();
    tcp.outputs.length = 0;
    tcp.outputHead = 0;
    tcp.events.length = 0;
    tcp.eventHead = 0;
  }

  // ------------------------------------------------------------------------------------------------- the inside

  #begin(now: Nanos): TcpContext {
    this.#tcp.now = now;
    return this.#tcp;
  }

  /** Puts the connection's earliest deadline into the heap. */
  #schedule(c: TcpConnection): void {
    if (c.state === "CLOSE") return;
    if (c.writeQueue !== undefined) dropEmptyQueues(c);
    const at = nextDeadline(c);
    if (at !== NEVER) this.#tcp.deadlines.atLatest(c, at);
    noteIdle(this.#tcp, c);
  }

  #timer(entry: TimedEntry): void {
    const tcp = this.#tcp;
    if (entry instanceof TcpConnection) {
      entry.now = tcp.now;
      connectionTimers(tcp, entry);
      this.#schedule(entry);
    } else if (entry instanceof Embryo) {
      if (entry.expires <= tcp.now) embryoTimer(tcp, entry);
      else tcp.deadlines.atLatest(entry, entry.expires);
    } else if (entry.expires <= tcp.now) {
      tcp.ext.TW++;
      endTimeWait(tcp, entry);
    } else tcp.deadlines.atLatest(entry, entry.expires);
  }

  #checksumOk(packet: Packet, meta: TcpMeta): boolean {
    const tcp = this.#tcp;
    // What the device verified, or what never left this machine.
    if (packet.ipSummed === CHECKSUM_UNNECESSARY || packet.ipSummed === CHECKSUM_PARTIAL || tcp.trustChecksums)
      return true;
    const length = packet.tail - packet.data;
    const pseudo = pseudoHeaderSum(meta.source, meta.destination, length);
    if (packet.ipSummed === CHECKSUM_COMPLETE && isValid(add(packet.csum, pseudo))) return true;
    return isValid(tcp.sums.sum(packet.data, length, pseudo));
  }

  #segment(packet: Packet, meta: TcpMeta): void {
    const tcp = this.#tcp;
    const s = tcp.segment;
    const { source, destination } = meta;
    s.ipEcn = meta.ecn & 3;
    s.gsoSize = packet.gsoSize;
    s.gsoSegs = packet.gsoSize === 0 ? 0 : packet.gsoSegs || Math.ceil(s.payloadLength / packet.gsoSize);
    tcp.flowLabel = meta.flowLabel ?? 0;
    if (s.options.hasMd5) {
      tcp.ext.TCPMD5Unexpected++;
      dropSegment(tcp, "NOT_SPECIFIED");
      return;
    }
    if (s.options.hasAo) {
      tcp.ext.TCPAOKeyNotFound++;
      dropSegment(tcp, "NOT_SPECIFIED");
      return;
    }
    if (tcp.settings.dropSynFin && (s.flags & (wire.SYN | wire.FIN)) === (wire.SYN | wire.FIN)) {
      dropSegment(tcp, "TCP_FLAGS");
      return;
    }
    const entry = tcp.table.lookup(
      destination,
      s.destinationPort,
      source,
      s.sourcePort,
      meta.ifindex ?? 0,
      meta.sdif ?? 0,
      tcp.settings.tcp_l3mdev_accept !== 0,
    );
    if (entry instanceof TcpConnection) this.#toConnection(entry, s, meta);
    else if (entry instanceof Embryo) this.#toEmbryo(entry, s, meta);
    else if (entry instanceof TimeWait) this.#toTimeWait(entry, s, meta);
    else this.#toListener(s, meta, 0);
  }

  #toConnection(c: TcpConnection, s: Segment, meta: TcpMeta): void {
    const tcp = this.#tcp;
    if ((meta.hopLimit ?? 255) < c.options.minHopLimit) {
      tcp.ext.TCPMinTTLDrop++;
      dropSegment(tcp, "TCP_MINTTL");
      return;
    }
    if (connectionSegment(tcp, c, s)) sendReset(tcp, meta.destination, meta.source, s, c.ifindex);
    this.#schedule(c);
  }

  #toEmbryo(e: Embryo, s: Segment, meta: TcpMeta): void {
    const tcp = this.#tcp;
    const next = embryoSegment(tcp, e, s);
    if (next === "listener") {
      // An ACK that acknowledges nothing of ours (RFC 9293 §3.10.7.4).
      sendReset(tcp, meta.destination, meta.source, s, e.ifindex);
      dropSegment(tcp, "TCP_FLAGS");
    } else if (next !== undefined) this.#toConnection(next, s, meta);
  }

  #toTimeWait(tw: TimeWait, s: Segment, meta: TcpMeta): void {
    const tcp = this.#tcp;
    const verdict = timeWaitSegment(tcp, tw, s);
    if (verdict === "reset") sendReset(tcp, meta.destination, meta.source, s, tw.ifindex);
    if (typeof verdict !== "object") return;
    if (findListener(tcp, s.destinationPort, meta) === undefined) {
      timeWaitAck(tcp, tw);
      return;
    }
    endTimeWait(tcp, tw);
    this.#toListener(s, meta, verdict.isn);
  }

  #toListener(s: Segment, meta: TcpMeta, twIsn: number): void {
    const tcp = this.#tcp;
    const listener = findListener(tcp, s.destinationPort, meta);
    if (listener === undefined) {
      dropSegment(tcp, "NO_SOCKET");
      this.#stranger(s, meta);
      return;
    }
    if ((meta.hopLimit ?? 255) < listener.options.minHopLimit) {
      tcp.ext.TCPMinTTLDrop++;
      dropSegment(tcp, "TCP_MINTTL");
      return;
    }
    if ((s.flags & wire.RST) !== 0) dropSegment(tcp, "TCP_RESET");
    else if ((s.flags & wire.ACK) !== 0) {
      const c = cookieSegment(tcp, listener, s, meta);
      if (c === "dropped") dropSegment(tcp, "SOCKET_BACKLOG");
      else if (c !== undefined) this.#toConnection(c, s, meta);
      else {
        const silent = tcp.settings.listenRules === "bsd" && (s.flags & wire.SYN) !== 0;
        if (!silent) sendReset(tcp, meta.destination, meta.source, s, listener.ifindex);
        dropSegment(tcp, "TCP_FLAGS");
      }
    } else if ((s.flags & wire.SYN) === 0 || ((s.flags & wire.FIN) !== 0 && tcp.settings.listenRules === "linux")) {
      dropSegment(tcp, "TCP_FLAGS");
    } else synReceived(tcp, listener, s, meta, twIsn);
  }

  /** Nobody listens there. */
  #stranger(s: Segment, meta: TcpMeta): void {
    const { blackhole } = this.#tcp.settings;
    const syn = (s.flags & (wire.SYN | wire.ACK)) === wire.SYN;
    if (blackhole >= 2 || (blackhole === 1 && syn)) return;
    sendReset(this.#tcp, meta.destination, meta.source, s);
  }

  /** The connection may exist already, or its TIME-WAIT, which a new one may take over (RFC 6191, tcp_tw_reuse). */
  #makeRoom(local: TcpEnd, remote: TcpEnd, ifindex: number): void {
    const tcp = this.#tcp;
    const entry = tcp.table.lookup(local.address, local.port, remote.address, remote.port, ifindex, 0);
    if (entry === undefined) return;
    const reusable =
      entry instanceof TimeWait &&
      entry.tsRecentStamp >= 0 &&
      tcp.now - entry.tsRecentStamp > 1_000_000_000 &&
      (tcp.settings.tcp_tw_reuse === 1 || (tcp.settings.tcp_tw_reuse === 2 && isLoopback(remote.address)));
    if (!reusable) throw new SevilleError("EADDRNOTAVAIL", "this connection exists already", "local");
    tcp.ext.TWRecycled++;
    endTimeWait(tcp, entry);
  }

  /** Fast Open: the SYN goes now, with as much as it holds. Answers how much. */
  #openWithData(c: TcpConnection, bytes: Uint8Array): number {
    const tcp = this.#tcp;
    c.now = tcp.now;
    const taken = checkCookie(tcp, c) ? writeBeforeSyn(tcp, c, bytes, 1460) : 0;
    if (c.fastOpen !== undefined) c.fastOpen.deferred = false;
    c.fastOpenTaken = taken;
    connectNow(tcp, c);
    this.#schedule(c);
    return taken;
  }

  #abort(c: TcpConnection): void {
    const tcp = this.#tcp;
    c.now = tcp.now;
    if (c.state === "CLOSE") return;
    disconnect(tcp, c);
    c.orphan = true;
    tcp.orphanCount++;
    forget(tcp, c);
  }
}

function isLoopback(address: IpAddress): boolean {
  return typeof address === "number"
    ? address >>> 24 === 127
    : address.w0 === 0 && address.w1 === 0 && address.w2 === 0 && address.w3 === 1;
}
