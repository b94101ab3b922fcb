import { createRandom, type Nanos, simulatedSecrets } from "@seville/core";
import { PacketPool, parseIp, tcp as wire } from "@seville/packet";
import {
  type ConnectOptions,
  linuxSettings,
  type ListenOptions,
  type TcpConnection,
  TcpEndpoint,
  type TcpEndpointOptions,
  type TcpEvent,
  type TcpListener,
  type TcpSettings,
} from "../src/index.ts";
import { checkInvariants } from "./invariants.ts";

export type TcpOption = wire.TcpOption;
export const MS = 1_000_000;

/** A segment of the peer: numbers count from its ISN and from the endpoint's. */
export interface Said {
  readonly seq?: number;
  readonly ack?: number;
  /** As tcpdump writes them: "S", "S.", ".", "P.", "F.", "R" … */
  readonly flags?: string;
  readonly win?: number;
  readonly data?: number | Uint8Array;
  readonly options?: readonly TcpOption[];
  readonly urg?: number;
  readonly ecn?: number;
  /** Where it comes from. Default 4000. */
  readonly port?: number;
}

/** What the endpoint sent, numbers counted likewise. */
export interface Heard {
  readonly at: Nanos;
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly win: number;
  readonly length: number;
  readonly data: Uint8Array;
  readonly options: readonly TcpOption[];
  readonly urg: number;
  readonly ecn: number;
  readonly txhash: number;
  readonly gsoSize: number;
  readonly ipSummed: number;
}

const LETTERS: Readonly<Record<string, number>> = {
  F: wire.FIN,
  S: wire.SYN,
  R: wire.RST,
  P: wire.PSH,
  ".": wire.ACK,
  U: wire.URG,
  E: wire.ECE,
  W: wire.CWR,
  e: wire.AE,
};

const PEER_ISN = 0x7fff_f000;
export const LOCAL = parseIp("10.0.0.1");
export const REMOTE = parseIp("10.0.0.2");

/** One endpoint, and a peer whose segments the test writes byte by byte. */
export class Script {
  readonly pool = new PacketPool({ small: 2000, jumbo: 16, super: 64 });
  readonly endpoint: TcpEndpoint;
  readonly settings: TcpSettings;
  readonly events: TcpEvent[] = [];
  readonly drops: string[] = [];
  now: Nanos = 1_000_000_000;
  iss = 0;
  #heard: Heard[] = [];

  constructor(settings: Partial<TcpSettings> = {}, options: Partial<TcpEndpointOptions> = {}) {
    const random = createRandom(7);
    this.settings = linuxSettings({ tcp_timestamps: 0, ...settings });
    this.endpoint = new TcpEndpoint({
      pool: this.pool,
      random: random.fork("random"),
      secretRandom: simulatedSecrets(random.fork("secret")),
      settings: this.settings,
      route: () => ({ mtu: 1500 }),
      dropped: (_packet, reason) => void this.drops.push(reason),
      ...options,
    });
  }

  listen(options: Partial<ListenOptions> = {}): TcpListener {
    return this.endpoint.listen({ port: 80, ...options }, this.now);
  }

  connect(options: ConnectOptions = {}): TcpConnection {
    const c = this.endpoint.connect({ address: LOCAL, port: 80 }, { address: REMOTE, port: 4000 }, options, this.now);
    this.drain();
    return c;
  }

  /** A passive open, done; the peer's SYN has `options`, its window is `win` with shift 7 if it says so. */
  accepted(
    options: readonly TcpOption[] = SYN_OPTIONS,
    win = 1000,
    listen: Partial<ListenOptions> = {},
  ): TcpConnection {
    const listener = this.listen(listen);
    this.say({ flags: "S", seq: 0, win: 65_535, options });
    this.hear();
    this.wait(20);
    this.say({ flags: ".", seq: 1, ack: 1, win });
    const c = this.endpoint.accept(listener, this.now);
    this.drain();
    if (c === undefined) throw new Error("no connection came about");
    this.hear();
    return c;
  }

  say(said: Said): void {
    const flags = Array.from(said.flags ?? ".").reduce((bits, letter) => bits | (LETTERS[letter] ?? 0), 0);
    const data =
      typeof said.data === "number" ? new Uint8Array(said.data).fill(0x61) : (said.data ?? new Uint8Array(0));
    const packet = this.pool.alloc(60 + data.length);
    if (packet === undefined) throw new Error("the pool is empty");
    const { view, u8 } = this.pool.memory;
    const header = wire.write(view, packet.data, {
      sourcePort: said.port ?? 4000,
      destinationPort: 80,
      sequence: (PEER_ISN + (said.seq ?? 0)) >>> 0,
      acknowledgment: (flags & wire.ACK) === 0 ? 0 : (this.iss + (said.ack ?? 0)) >>> 0,
      flags,
      window: said.win ?? 1000,
      urgentPointer: said.urg,
      options: said.options,
    });
    packet.put(header + data.length);
    u8.set(data, packet.data + header);
    view.setUint16(packet.data + 16, naiveChecksum(packet.bytes()));
    this.endpoint.handle(packet, { source: REMOTE, destination: LOCAL, ecn: said.ecn ?? 0 }, this.now);
    packet.release();
    this.drain();
    this.check();
  }

  /** What was sent since the last time. */
  hear(): Heard[] {
    const heard = this.#heard;
    this.#heard = [];
    return heard;
  }

  /** The same, as text: `flags seq:end(length) ack N`. */
  lines(): string[] {
    return this.hear().map(
      (h) => `${h.flags} ${h.seq}:${h.seq + h.length}(${h.length})${h.flags.includes(".") ? ` ack ${h.ack}` : ""}`,
    );
  }

  write(c: TcpConnection, length: number, flags = 0): number {
    const sent = this.endpoint.send(c, new Uint8Array(length).fill(0x62), flags, this.now);
    this.drain();
    this.check();
    return sent;
  }

  read(c: TcpConnection, count = 65_536, flags = 0): number {
    const read = this.endpoint.receive(c, new Uint8Array(count), flags, this.now);
    this.drain();
    return read;
  }

  /** Lets time pass; timers fire when they are due. */
  wait(ms: number): void {
    const end = this.now + ms * MS;
    for (let next = this.endpoint.nextTimeout(); next <= end; next = this.endpoint.nextTimeout()) {
      this.now = Math.max(this.now, next);
      this.endpoint.handleTimeout(this.now);
      this.drain();
      this.check();
    }
    this.now = end;
  }

  do(act: (endpoint: TcpEndpoint, now: Nanos) => void): void {
    act(this.endpoint, this.now);
    this.drain();
    this.check();
  }

  eventTypes(): string[] {
    return this.events.splice(0).map((event) => event.type);
  }

  check(): void {
    for (const entry of this.endpoint.entries()) if ("packetsOut" in entry) checkInvariants(entry);
  }

  finish(): void {
    this.endpoint.destroy();
    this.pool.assertDrained();
  }

  drain(): void {
    const { endpoint } = this;
    for (let output = endpoint.poll(this.now); output !== undefined; output = endpoint.poll(this.now)) {
      const { packet } = output;
      const { view } = this.pool.memory;
      const at = packet.data;
      const flags = wire.flags(view, at);
      const header = wire.headerLength(view, at);
      if ((flags & wire.SYN) !== 0) this.iss = wire.sequence(view, at);
      if (packet.ipSummed === 0 && naiveChecksum(packet.bytes()) !== 0)
        throw new Error("a segment with a bad checksum");
      this.#heard.push({
        at: this.now,
        flags: wire.printFlags(flags),
        seq: (wire.sequence(view, at) - this.iss) | 0,
        ack: (flags & wire.ACK) === 0 ? 0 : (wire.acknowledgment(view, at) - PEER_ISN) | 0,
        win: wire.window(view, at),
        length: packet.tail - at - header,
        data: packet.bytes().slice(header),
        options: wire.parseOptions(view, at).options,
        urg: wire.urgentPointer(view, at),
        ecn: output.ecn,
        txhash: output.txhash,
        gsoSize: packet.gsoSize,
        ipSummed: packet.ipSummed,
      });
      packet.release();
    }
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) this.events.push(event);
  }
}

export const SYN_OPTIONS: readonly TcpOption[] = [
  { kind: "mss", value: 1000 },
  { kind: "sack-permitted" },
  { kind: "nop" },
  { kind: "window-scale", shift: 7 },
];

/** RFC 9293 §3.1, word by word, between the two addresses of scripts. */
function naiveChecksum(segment: Uint8Array): number {
  const words = [LOCAL, REMOTE].flatMap((address) => [(address as number) >>> 16, (address as number) & 0xffff]);
  let sum = words.reduce((total, word) => total + word, 6 + segment.length);
  for (let i = 0; i < segment.length; i++) sum += (segment[i] as number) << ((i & 1) === 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}
