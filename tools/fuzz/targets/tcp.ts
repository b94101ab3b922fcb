import { createRandom, simulatedSecrets } from "../../../packages/core/src/index.ts";
import { parseIp, PacketPool, tcp as wire } from "../../../packages/packet/src/index.ts";
import {
  Embryo,
  freebsdSettings,
  linuxSettings,
  TcpConnection,
  TcpEndpoint,
  type TcpListener,
} from "../../../packages/tcp/src/index.ts";
import { checkInvariants } from "../../../packages/tcp/test/invariants.ts";
import type { FuzzTarget } from "../target.ts";

const LOCAL = parseIp("10.0.0.1");
const REMOTE = parseIp("10.0.0.2");
const LOCAL_PORT = 80;
const REMOTE_PORT = 4000;
/** Bytes of an operation: what to do, and four to say how. */
const OPERATION = 5;
/** More than that and an endpoint spins. */
const MOST_TIMERS = 200;
const pool = new PacketPool({ small: 2000, jumbo: 16, super: 32 });

/**
 * One endpoint in any state that a story of segments, calls and timeouts leads to. The input is the story: segments are made near the numbers that
 * the connection expects, or are the input's bytes. After each step the counters must agree with the queues, and at the end the pool is full.
 */
export const target: FuzzTarget = {
  run(input) {
    if (input.length < 2) return;
    const story = new Story(input[0] as number);
    story.begin(input[1] as number);
    for (let at = 2; at + OPERATION <= input.length; at += OPERATION) {
      story.step(input.subarray(at, at + OPERATION), input.subarray(at + OPERATION));
      story.check();
    }
    story.end();
    pool.assertDrained();
  },
  seeds() {
    const stories = [
      [0, 0, 0, 0, 0, 0x10, 0, 9, 0, 0, 0, 0],
      [0, 1, 0, 0, 0, 0x10, 8, 9, 40, 0, 0, 0, 1, 1, 0, 0x10, 4],
      [0, 2, 9, 80, 0, 0, 0, 0, 0, 1, 0x10, 4, 8, 2, 0, 0, 0, 0, 1, 0, 0x11, 0],
      [1, 1, 9, 200, 0, 0, 0, 8, 20, 0, 0, 0, 0, 0, 4, 0x10, 0x80, 10, 0, 0, 0, 0],
      [2, 3, 0, 0, 0, 0x12, 0, 9, 50, 0, 0, 0, 11, 0, 0, 0, 0, 8, 200, 0, 0, 0],
      [4, 1, 9, 255, 0, 0, 0, 0, 1, 2, 0x10, 0x40, 0, 2, 2, 0x10, 0x40, 8, 100, 0, 0, 0],
    ];
    return stories.map((bytes) => Uint8Array.from(bytes));
  },
};

class Story {
  readonly #endpoint: TcpEndpoint;
  #now = 1_000_000_000;
  #listener: TcpListener | undefined;
  #connection: TcpConnection | undefined;
  readonly #buffer = new Uint8Array(4096);

  constructor(kind: number) {
    const random = createRandom(kind);
    const settings = (kind & 1) === 0 ? linuxSettings() : freebsdSettings();
    settings.tcp_fastopen = (kind & 2) === 0 ? 1 : 0x603;
    settings.tcp_ecn = (kind & 4) === 0 ? 1 : 3;
    settings.tcp_sack = (kind & 8) === 0 ? 1 : 0;
    settings.tcp_recovery = (kind & 16) === 0 ? 1 : 0;
    settings.tcp_mtu_probing = (kind & 32) === 0 ? 0 : 2;
    settings.tcp_syncookies = (kind & 64) === 0 ? 1 : 2;
    this.#endpoint = new TcpEndpoint({
      pool,
      random,
      secretRandom: simulatedSecrets(random),
      settings,
      route: () => ({ mtu: 1500 }),
      trustChecksums: true,
      gsoMaxSize: (kind & 128) === 0 ? 0 : 65_000,
    });
  }

  /** Passive, active, or with a handshake already done. */
  begin(how: number): void {
    const endpoint = this.#endpoint;
    if ((how & 3) < 2) {
      this.#listener = endpoint.listen({ port: LOCAL_PORT, fastOpen: 5 }, this.#now);
      if ((how & 3) === 1) {
        this.#segment(0, 0, wire.SYN, 0, 10);
        this.#segment(0, 0, wire.ACK, 0, 0);
      }
      return;
    }
    this.#connection = endpoint.connect(
      { address: LOCAL, port: LOCAL_PORT },
      { address: REMOTE, port: REMOTE_PORT },
      (how & 4) === 0 ? {} : { data: this.#buffer.subarray(0, 100) },
      this.#now,
    );
    this.#drain();
    if ((how & 3) === 3) this.#segment(0, 0, wire.SYN | wire.ACK, 0, 10);
  }

  step(operation: Uint8Array, rest: Uint8Array): void {
    const [what = 0, a = 0, b = 0, flags = 0, d = 0] = operation;
    if (what % 16 < 7) this.#segment(offsetOf(a), offsetOf(b), flags | ((d & 1) << 8), d, what);
    else if (what % 16 === 7) this.#raw(rest.subarray(0, 20 + a));
    else if (what % 16 === 8) this.#wait((a + 1) * (b + 1) * 1_000_000);
    else this.#call(what % 16, a, flags);
  }

  check(): void {
    for (const entry of this.#endpoint.entries()) if (entry instanceof TcpConnection) checkInvariants(entry);
  }

  end(): void {
    this.#endpoint.destroy();
  }

  /** A segment near what is expected: offsets from RCV.NXT and SND.UNA. */
  #segment(seqOffset: number, ackOffset: number, flags: number, d: number, options: number): void {
    const { seq, ack } = this.#expected();
    const optionBytes = (options & 8) === 0 && (flags & wire.SYN) === 0 ? this.#options(d, ack) : synOptions(options);
    const payload = (flags & wire.SYN) === 0 ? (d & 0xfc) * 6 : d & 0x3c;
    const bytes = new Uint8Array(20 + optionBytes.length + payload);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, REMOTE_PORT);
    view.setUint16(2, LOCAL_PORT);
    view.setUint32(4, (seq + seqOffset) >>> 0);
    view.setUint32(8, (flags & wire.ACK) === 0 ? 0 : (ack + ackOffset) >>> 0);
    view.setUint16(12, (((20 + optionBytes.length) / 4) << 12) | (flags & 0x1ff));
    view.setUint16(14, d === 0 ? 0 : 20_000);
    view.setUint16(18, d);
    bytes.set(optionBytes, 20);
    this.#raw(bytes, d & 3);
  }

  /** Timestamps, or SACK blocks within what is out. */
  #options(d: number, ack: number): Uint8Array {
    const bytes = new Uint8Array((d & 64) === 0 ? 12 : 12 + 20);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x0101_080a);
    view.setUint32(4, Math.floor(this.#now / 1e6) + (d & 7));
    view.setUint32(8, Math.floor(this.#now / 1e6) - (d & 3));
    if ((d & 64) === 0) return bytes;
    view.setUint32(12, 0x0101_0512);
    for (let i = 0; i < 2; i++) {
      const start = ack + (i + 1) * 1448 * (d & 7);
      view.setUint32(16 + i * 8, start >>> 0);
      view.setUint32(20 + i * 8, (start + 1448 * ((d >> 3) & 3)) >>> 0);
    }
    return bytes;
  }

  #expected(): { readonly seq: number; readonly ack: number } {
    for (const entry of this.#endpoint.entries()) {
      if (entry instanceof Embryo) return { seq: entry.rcvNxt, ack: entry.sntIsn + 1 };
      if (entry instanceof TcpConnection) return { seq: entry.rcvNxt, ack: entry.sndNxt };
      return { seq: entry.rcvNxt, ack: entry.sndNxt };
    }
    return { seq: 1000, ack: 1 };
  }

  #raw(bytes: Uint8Array, ecn = 0): void {
    const packet = pool.from(bytes);
    if (packet === undefined) throw new Error("the target's pool is empty: something leaks");
    this.#endpoint.handle(packet, { source: REMOTE, destination: LOCAL, ecn }, this.#now);
    packet.release();
    this.#drain();
  }

  #wait(duration: number): void {
    const end = this.#now + duration;
    for (let i = 0; ; i++) {
      const next = this.#endpoint.nextTimeout();
      if (!(next <= end)) break;
      if (i > MOST_TIMERS) throw new Error(`${MOST_TIMERS} timers within ${duration} ns`);
      this.#now = Math.max(this.#now, next);
      this.#endpoint.handleTimeout(this.#now);
      this.#drain();
      if (this.#endpoint.nextTimeout() <= this.#now) throw new Error("the timeout is not after now");
    }
    this.#now = end;
  }

  /** What a user may do; the errors that calls are allowed to throw have a code. */
  #call(what: number, a: number, b: number): void {
    const endpoint = this.#endpoint;
    const now = this.#now;
    const c = (this.#connection ??= this.#listener === undefined ? undefined : endpoint.accept(this.#listener, now));
    if (c === undefined) return;
    try {
      if (what === 9) endpoint.send(c, this.#buffer.subarray(0, a * 16), b & 1 ? 1 : 0, now);
      else if (what === 10) endpoint.receive(c, this.#buffer, b & 3, now);
      else if (what === 11) endpoint.shutdown(c, (b & 1) === 0 ? "write" : "both", now);
      else if (what === 12) endpoint.close(c, now);
      else if (what === 13)
        endpoint.setOptions(c, { nodelay: (b & 1) !== 0, cork: (b & 2) !== 0, keepalive: (b & 4) !== 0 }, now);
      else if (what === 14) this.#icmp(c, a, b);
      else if (a > 250) endpoint.abort(c, now);
      else endpoint.info(c, now);
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error)) throw error;
    }
    this.#drain();
  }

  #icmp(c: TcpConnection, a: number, b: number): void {
    this.#endpoint.handleIcmp(
      {
        family: 4,
        type: [3, 11, 12, 4][b & 3] ?? 3,
        code: a & 15,
        info: a * 8,
        source: LOCAL,
        destination: REMOTE,
        sourcePort: LOCAL_PORT,
        destinationPort: REMOTE_PORT,
        sequence: c.sndUna >>> 0,
      },
      this.#now,
    );
  }

  #drain(): void {
    const endpoint = this.#endpoint;
    for (let out = endpoint.poll(this.#now); out !== undefined; out = endpoint.poll(this.#now)) out.packet.release();
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === "accept") this.#connection ??= endpoint.accept(event.listener, this.#now);
    }
  }
}

/** Small steps around 0 for one half of the bytes, segments' lengths for the other. */
function offsetOf(byte: number): number {
  if (byte < 128) return Math.max((byte & 15) - 4, 0) - (byte & 16 ? 3 : 0);
  return ((byte & 64) === 0 ? -1448 : 1448) * (byte & 31);
}

/** MSS, SACK permitted, timestamps, window scale, and perhaps Fast Open. */
function synOptions(bits: number): Uint8Array {
  const fixed = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];
  return Uint8Array.from((bits & 4) === 0 ? fixed : [...fixed, 34, 2, 1, 1]);
}
