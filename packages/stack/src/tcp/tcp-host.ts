import { NEVER, type EventHandler, type EventId, type Nanos } from "@seville/core";
import { isLinkLocal, type IpAddress, type Packet } from "@seville/packet";
import { CONGESTION_ALGORITHMS, type CongestionAlgorithm } from "@seville/congestion";
import {
  linuxSettings,
  TcpConnection,
  TcpEndpoint,
  type TcpEvent,
  type TcpListener,
  type TcpSettings,
} from "@seville/tcp";
import type { Host } from "../host/host.ts";
import { IPPROTO_TCP, type IcmpError } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { isTooBig } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { receiveTcp, tcpErrorOf } from "./tcp-input.ts";
import { LeavingSegments } from "./tcp-leaving.ts";
import { sendSegment } from "./tcp-output.ts";
import { TcpPorts, type PortOwner } from "./tcp-ports.ts";
import { factsOf, findWay, KeptWays } from "./tcp-route.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { defineTcpSysctls } from "./tcp-sysctl.ts";

export interface TcpHostOptions {
  /** Values other than the kernel's; they are the host's `net.ipv4.tcp_…` from then on. Default: {@link linuxSettings}. */
  readonly settings?: TcpSettings;
  /** Congestion controls beside those of `@seville/congestion`. */
  readonly congestionControls?: readonly CongestionAlgorithm[];
  /**
   * Hand super-packets down (TSO, GSO). Default: if the host has a segmenter (`installSegmenter` of
   * `@seville/stack/offload`) for devices that cannot split them.
   */
  readonly gso?: boolean;
  /**
   * TCP small queues, as the kernel has them: of one connection no more waits in the host's own devices than `tcp_limit_output_bytes` and about a
   * millisecond's worth. Default false: a socket then fills the queue of the host's link as far as its window and send buffer allow.
   */
  readonly smallQueues?: boolean;
}

/** What a super-packet may hold beside its headers (`GSO_MAX_SIZE` less the longest IP and TCP header). */
const GSO_MAX_PAYLOAD = 65_536 - 120;
/** Room before a segment: IPv6, Ethernet with a tag, and tunnels on top of each other. */
const HEADROOM = 256;
/** Neighbours whose link is remembered for answers to their link-local addresses. */
const MAX_LINKS = 1024;

/** TCP of one host: the engine, and its driver. */
export class TcpHost implements EventHandler {
  readonly host: Host;
  readonly endpoint: TcpEndpoint;
  readonly settings: TcpSettings;
  readonly ports: TcpPorts = new TcpPorts();
  readonly sockets: Set<TcpSocket> = new Set<TcpSocket>();
  readonly #listeners = new Map<TcpListener, TcpSocket>();
  readonly #ways: KeptWays;
  readonly #leaving: LeavingSegments;
  /** On which link a link-local address was heard last. */
  readonly #links = new Map<IpAddress, number>();
  #event: EventId | undefined = undefined;
  #eventAt: Nanos = NEVER;
  #isDraining = false;
  /** Where the segment came in that is being worked on. */
  #inputIfindex = 0;
  readonly #controls: ReadonlySet<string>;
  readonly #unregister: () => void;

  constructor(host: Host, options: TcpHostOptions = {}) {
    this.host = host;
    this.settings = options.settings ?? linuxSettings();
    const gso = options.gso ?? host.segmenter !== undefined;
    this.endpoint = new TcpEndpoint({
      pool: host.pool,
      random: host.random.fork("tcp"),
      secretRandom: host.secretRandom,
      settings: this.settings,
      route: (local, remote, ifindex) => this.#facts(local, remote, ifindex),
      ...(options.congestionControls === undefined ? {} : { congestionControls: options.congestionControls }),
      gsoMaxSize: gso ? GSO_MAX_PAYLOAD : 0,
      checksumOffload: true,
      smallQueues: options.smallQueues ?? false,
      headroom: HEADROOM,
      dropped: (packet, reason) => host.drops.note(packet, reason, host.interfaces.get(packet.ifindex)),
    });
    const own = (options.congestionControls ?? []).map(({ name }) => name);
    this.#controls = new Set([...CONGESTION_ALGORITHMS.keys(), ...own]);
    this.#ways = new KeptWays(host);
    this.#leaving = new LeavingSegments((connection, charge) => {
      this.endpoint.transmitted(connection, charge, host.now);
      if (!this.#isDraining) this.#arm();
    });
    host.mib.extra.set("Tcp", this.endpoint.mib);
    host.mib.extra.set("TcpExt", this.endpoint.extMib);
    defineTcpSysctls(host, this.settings, (name) => this.hasCongestionControl(name));
    this.#unregister = host.registerProtocol(IPPROTO_TCP, {
      name: "tcp",
      validatesIcmp: true,
      receive: (packet, family, dev) => this.#receive(packet, family, dev),
      icmpError: (error) => this.#icmpError(error),
    });
  }

  /** Runs `call` and then sends and tells all that came of it. Every call into the engine goes through here. */
  act<Result>(call: (endpoint: TcpEndpoint, now: Nanos) => Result): Result {
    try {
      return call(this.endpoint, this.host.now);
    } finally {
      this.#drain();
    }
  }

  /** Whether `TCP_CONGESTION` takes `name`. */
  hasCongestionControl(name: string): boolean {
    return this.#controls.has(name);
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    this.#eventAt = NEVER;
    this.endpoint.handleTimeout(now);
    this.#drain();
  }

  /** Who is told of connections that came to `listener`. */
  setListener(listener: TcpListener, socket: TcpSocket | undefined): void {
    if (socket === undefined) this.#listeners.delete(listener);
    else this.#listeners.set(listener, socket);
  }

  /** A connection is over: while its TIME-WAIT lasts, that keeps the port which `owner` had. */
  leavePort(connection: TcpConnection, owner: PortOwner | undefined): void {
    if (owner === undefined) return;
    const local = { address: connection.localAddress, port: connection.localPort };
    const remote = { address: connection.remoteAddress, port: connection.remotePort };
    const isAlive = (): boolean => this.endpoint.find(local, remote, connection.ifindex) !== undefined;
    if (isAlive()) this.ports.add({ ...owner, isListening: false, isAlive });
  }

  /** Everything ends at once, without a word on the wire; what waits is given back. */
  close(): void {
    for (const socket of [...this.sockets]) socket.abandon();
    this.endpoint.destroy();
    this.#discard();
    if (this.#event !== undefined) this.host.scheduler.cancel(this.#event);
    this.#event = undefined;
    this.#unregister();
    this.host.tcp = undefined;
  }

  #receive(packet: Packet, family: 4 | 6, dev: NetInterface): void {
    this.#inputIfindex = packet.ifindex;
    receiveTcp(this.host, this.endpoint, packet, family, dev, this.#rememberLink);
    this.#drain();
    this.#inputIfindex = 0;
  }

  #icmpError(error: IcmpError): void {
    const { host } = this;
    const told = tcpErrorOf(host, error);
    const local = { address: told.source, port: told.sourcePort };
    const remote = { address: told.destination, port: told.destinationPort };
    const found = this.endpoint.find(local, remote, told.ifindex, told.sdif);
    // Only what quotes a number that is on its way may change the path's MTU (RFC 5927 §4.1).
    if (isTooBig(error) && found instanceof TcpConnection && isInFlight(found, told.sequence)) {
      learnPathMtu(host, error, found.ifindex);
    }
    this.act((endpoint, now) => endpoint.handleIcmp(told, now));
  }

  readonly #rememberLink = (source: IpAddress, ifindex: number): void => {
    if (typeof source === "number" || !isLinkLocal(source)) return;
    this.#links.delete(source);
    this.#links.set(source, ifindex);
    for (const oldest of this.#links.keys()) {
      if (this.#links.size <= MAX_LINKS) break;
      this.#links.delete(oldest);
    }
  };

  #facts(local: IpAddress, remote: IpAddress, ifindex: number): ReturnType<typeof factsOf> | undefined {
    const way = findWay(this.host, {
      source: local,
      destination: remote,
      sourcePort: 0,
      destinationPort: 0,
      oif: ifindex !== 0 ? ifindex : (this.#links.get(remote) ?? 0),
      mark: 0,
      tos: 0,
      flowLabel: 0,
      anySource: true,
      preferences: 0,
    });
    return typeof way === "string" ? undefined : factsOf(this.host, way);
  }

  /** Sends and tells until nothing is left; what users do meanwhile is part of it. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      const { endpoint, host } = this;
      for (;;) {
        const out = endpoint.poll(host.now);
        if (out !== undefined) {
          this.#leaving.watch(out);
          sendSegment(host, this.#ways, out, out.ifindex === 0 ? this.#answerDevice(out.destination) : out.ifindex);
          continue;
        }
        const event = endpoint.pollEvent();
        if (event === undefined) break;
        this.#tell(event);
      }
    } finally {
      this.#isDraining = false;
    }
    this.#arm();
  }

  /** By which device what nobody bound goes: a link-local address has a link, and a VRF's segment is answered there. */
  #answerDevice(destination: IpAddress): number {
    if (typeof destination !== "number" && isLinkLocal(destination)) {
      return this.#links.get(destination) ?? this.#inputIfindex;
    }
    const input = this.#inputIfindex;
    return input !== 0 && this.host.interfaces.get(input)?.device.l3mdev !== undefined ? input : 0;
  }

  #tell(event: TcpEvent): void {
    if (event.type === "accept") {
      this.#listeners.get(event.listener)?.wake();
      return;
    }
    const socket = event.connection.user as TcpSocket | undefined;
    if (event.type === "closed") socket?.ended(event.connection);
    socket?.wake();
  }

  /** One event of the scheduler stands for all deadlines; an early one does no harm and is left where it is. */
  #arm(): void {
    const at = this.endpoint.nextTimeout();
    if (at >= this.#eventAt) return;
    const { scheduler } = this.host;
    if (this.#event !== undefined) scheduler.cancel(this.#event);
    this.#eventAt = at;
    this.#event = at === NEVER ? undefined : scheduler.schedule(at, this);
  }

  /** Gives back what nobody will send any more. */
  #discard(): void {
    const { endpoint, host } = this;
    for (let out = endpoint.poll(host.now); out !== undefined; out = endpoint.poll(host.now)) out.packet.release();
    while (endpoint.pollEvent() !== undefined);
  }
}

/** `between(snd_una, seq, snd_nxt)`. */
function isInFlight(c: TcpConnection, sequence: number): boolean {
  return ((sequence - c.sndUna) | 0) >= 0 && ((c.sndNxt - sequence) | 0) >= 0;
}
