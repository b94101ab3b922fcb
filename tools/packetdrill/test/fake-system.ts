import { ACK, FIN, PSH, RST, SYN } from "../language/tcp-flags.ts";
import { encodeOptions } from "../wire/encode-options.ts";
import type { TcpOption } from "../language/tcp-options.ts";
import { decodePacket } from "../wire/decode.ts";
import { encodePacket } from "../wire/encode.ts";
import type { WirePacket, WireTcp } from "../wire/packet.ts";
import {
  ErrnoError,
  POLLIN,
  POLLOUT,
  type CapturedPacket,
  type ConnectionRow,
  type OptionValue,
  type SendOptions,
  type SocketAddress,
  type SutSocket,
  type SystemUnderTest,
} from "../sut/system.ts";

const MSS = 1000;
const MS = 1_000_000;
const SYN_OPTIONS: readonly TcpOption[] = [{ kind: "mss", value: 1460 }];

/**
 * The smallest TCP that a script can talk to: it answers a SYN, acknowledges data at once, sends what is written in segments of 1000 bytes,
 * and sends a SYN again after a second. It is wrong in many ways and exactly predictable, which is all that tests of the runner need.
 */
export class FakeSystem implements SystemUnderTest {
  now = 0;
  /** Wire minus script, so that mapping shows. */
  isn = 0x89ab_cdef;
  /** Send what is written as one packet with `gsoSize`. */
  offload = false;
  readonly settings: Map<string, string> = new Map();
  readonly routes: Map<string, string> = new Map();
  readonly rows: ConnectionRow[] = [];
  readonly mib: Map<string, number> = new Map();
  readonly problems: string[] = [];
  flushed = 0;
  mtu = 1500;
  readonly received: WirePacket[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly #out: CapturedPacket[] = [];
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  nextEvent(): number {
    return this.#timers.reduce((least, { at }) => Math.min(least, at), Infinity);
  }

  after(delay: number, run: () => void): void {
    this.#timers.push({ at: this.now + delay, run });
  }

  runUntil(until: number): void {
    for (;;) {
      const next = this.nextEvent();
      if (next > until) break;
      this.now = next;
      const due = this.#timers.filter(({ at }) => at === next);
      this.#timers = this.#timers.filter(({ at }) => at !== next);
      for (const { run } of due) run();
    }
    this.now = until;
  }

  inject(bytes: Uint8Array): void {
    const packet = decodePacket(bytes.slice());
    this.received.push(packet);
    const { body } = packet;
    if (body.protocol !== "tcp") return;
    const owner = this.sockets.findLast((socket) => socket.remotePort === body.ports.source);
    (owner ?? this.sockets.find(({ listening }) => listening))?.handle(packet, body);
  }

  take(): CapturedPacket | undefined {
    return this.#out.shift();
  }

  emit(to: WirePacket | undefined, tcp: Partial<WireTcp> & Pick<WireTcp, "ports">, gsoSize = 0): void {
    const body: WireTcp = {
      protocol: "tcp",
      seq: 0,
      ack: 0,
      flags: ACK,
      window: 65_535,
      urgent: 0,
      options: new Uint8Array(0),
      payload: new Uint8Array(0),
      encapsulation: undefined,
      ...tcp,
    };
    const bytes = encodePacket({
      family: to?.family ?? 4,
      source: to?.destination ?? Uint8Array.of(192, 168, 0, 1),
      destination: to?.source ?? Uint8Array.of(192, 0, 2, 1),
      ecn: 0,
      dscp: 0,
      ttl: 64,
      flowLabel: 0,
      body,
    });
    this.#out.push({ at: this.now, bytes, gsoSize, summed: true });
  }

  socket(): SutSocket {
    const socket = new FakeSocket(this);
    this.sockets.push(socket);
    return socket;
  }

  configure(name: string, value: string): boolean {
    this.settings.set(name, value);
    return !name.includes("nonsense");
  }

  connections(): readonly ConnectionRow[] {
    return this.rows;
  }

  drop(state: string): number {
    const before = this.rows.length;
    this.rows.splice(0, before, ...this.rows.filter((row) => row.state !== state));
    return before - this.rows.length;
  }

  counters(): ReadonlyMap<string, number> {
    return this.mib;
  }

  setSegmentationOffload(on: boolean): void {
    this.offload = on;
  }

  setMtu(mtu: number): void {
    this.mtu = mtu;
  }

  setRoute(attributes: ReadonlyMap<string, string>): boolean {
    for (const [name, value] of attributes) this.routes.set(name, value);
    return !attributes.has("window");
  }

  flushMetrics(): void {
    this.flushed++;
  }

  close(): readonly string[] {
    return this.problems;
  }
}

export class FakeSocket implements SutSocket {
  readonly #system: FakeSystem;
  listening = false;
  remotePort = 0;
  error = "";
  readonly options: Map<string, OptionValue> = new Map();
  info: Record<string, number> = { tcpi_snd_cwnd: 10, tcpi_state: 1 };
  #port = 0;
  #peer: WirePacket | undefined;
  #next = 0;
  #expected = 0;
  #established = false;
  #peerClosed = false;
  #unread: number[] = [];
  /** Bytes that may be written before EAGAIN. */
  room = 100_000;
  readonly #children: FakeSocket[] = [];

  constructor(system: FakeSystem) {
    this.#system = system;
  }

  bind(address: SocketAddress): void {
    this.#port = address.port;
  }

  listen(): void {
    this.listening = true;
  }

  accept(): SutSocket {
    const child = this.#children[0];
    if (child === undefined || !child.#established) throw new ErrnoError("EAGAIN");
    this.#children.shift();
    return child;
  }

  connect(address: SocketAddress): void {
    this.#port = 40_000;
    this.remotePort = address.port;
    this.#next = this.#system.isn;
    this.#sendSyn();
    throw new ErrnoError("EINPROGRESS");
  }

  #sendSyn(): void {
    if (this.#established) return;
    this.#system.emit(undefined, {
      ports: { source: this.#port, destination: this.remotePort },
      flags: SYN,
      seq: this.#system.isn,
      options: encodeOptions(SYN_OPTIONS),
    });
    this.#system.after(1000 * MS, () => this.#sendSyn());
  }

  send(data: Uint8Array, options: SendOptions): number {
    if (options.flags.has("MSG_OOB")) throw new ErrnoError("EOPNOTSUPP");
    if (this.room === 0) throw new ErrnoError("EAGAIN");
    const count = Math.min(data.length, this.room);
    this.room -= count;
    const step = this.#system.offload ? count : MSS;
    for (let at = 0; at < count; at += step) {
      const payload = data.slice(at, Math.min(at + step, count));
      const last = at + payload.length === count;
      this.#reply({ payload, flags: last ? ACK | PSH : ACK }, this.#system.offload ? MSS : 0);
      this.#next = (this.#next + payload.length) >>> 0;
    }
    return count;
  }

  receive(length: number): Uint8Array {
    if (this.error !== "") throw new ErrnoError(this.error);
    if (this.#unread.length === 0 && !this.#peerClosed) throw new ErrnoError("EAGAIN");
    return Uint8Array.from(this.#unread.splice(0, length));
  }

  shutdown(): void {
    this.#sendFin();
  }

  close(): void {
    if (this.#established) this.#sendFin();
  }

  #sendFin(): void {
    this.#reply({ flags: ACK | FIN });
    this.#next = (this.#next + 1) >>> 0;
  }

  setOption(_level: string, name: string, value: OptionValue): void {
    if (name === "TCP_MD5SIG") throw new ErrnoError("ENOPROTOOPT");
    this.options.set(name, value);
  }

  getOption(_level: string, name: string): OptionValue {
    if (name !== "SO_ERROR") return this.options.get(name) ?? 0;
    const { error } = this;
    this.error = "";
    return error;
  }

  ioctl(): number {
    return this.#unread.length;
  }

  tcpInfo(): Readonly<Record<string, number>> {
    return this.info;
  }

  poll(): number {
    if (this.listening) return this.#children.some((child) => child.#established) ? POLLIN : 0;
    return (
      (this.#unread.length > 0 || this.#peerClosed ? POLLIN : 0) | (this.#established && this.room > 0 ? POLLOUT : 0)
    );
  }

  localPort(): number {
    return this.#port;
  }

  handle(packet: WirePacket, tcp: WireTcp): void {
    if (this.listening) {
      this.#adopt(packet, tcp);
      return;
    }
    if ((tcp.flags & RST) !== 0) {
      this.error = "ECONNRESET";
      this.#established = false;
      return;
    }
    if ((tcp.flags & SYN) !== 0) {
      this.#peer = packet;
      this.#expected = (tcp.seq + 1) >>> 0;
      this.#next = (this.#next + 1) >>> 0;
      this.#established = true;
      this.#reply({});
      return;
    }
    this.#established = true;
    if (tcp.payload.length > 0 && tcp.seq === this.#expected) {
      this.#unread.push(...tcp.payload);
      this.#expected = (this.#expected + tcp.payload.length) >>> 0;
    }
    if ((tcp.flags & FIN) !== 0) {
      this.#peerClosed = true;
      this.#expected = (this.#expected + 1) >>> 0;
    }
    if (tcp.payload.length > 0 || (tcp.flags & FIN) !== 0) this.#reply({});
    if (this.room === 0) this.room = 2000;
  }

  #adopt(packet: WirePacket, tcp: WireTcp): void {
    if ((tcp.flags & SYN) === 0) {
      this.#refuse(packet, tcp);
      return;
    }
    const child = new FakeSocket(this.#system);
    child.#port = this.#port;
    child.remotePort = tcp.ports.source;
    child.#peer = packet;
    child.#expected = (tcp.seq + 1) >>> 0;
    child.#next = this.#system.isn;
    this.#system.sockets.push(child);
    this.#children.push(child);
    child.#reply({ flags: SYN | ACK, options: encodeOptions(SYN_OPTIONS) });
    child.#next = (child.#next + 1) >>> 0;
  }

  #refuse(packet: WirePacket, tcp: WireTcp): void {
    const ports = { source: tcp.ports.destination, destination: tcp.ports.source };
    this.#system.emit(packet, { ports, flags: RST, seq: tcp.ack, window: 0 });
  }

  #reply(tcp: Partial<WireTcp>, gsoSize = 0): void {
    const ports = { source: this.#port, destination: this.remotePort };
    this.#system.emit(this.#peer, { ports, seq: this.#next, ack: this.#expected, ...tcp }, gsoSize);
  }
}
