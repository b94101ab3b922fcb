import { simulatedSecrets, type Nanos } from "../../../packages/core/src/index.ts";
import { PacketPool, parseIp, type IpAddress, type Packet } from "../../../packages/packet/src/index.ts";
import {
  createSimulation,
  type DirectionOptions,
  type Link,
  type Simulation,
} from "../../../packages/sim/src/index.ts";
import {
  linuxSettings,
  TcpEndpoint,
  type TcpConnection,
  type TcpEndpointOptions,
  type TcpEvent,
  type TcpInfo,
} from "../../../packages/tcp/src/index.ts";

const IPV4_BYTES = 20;
const START: Nanos = 1_000_000_000;
/** As Linux 6.18, with which the reference figures were measured: it has 32 MiB for the largest receive buffer. */
export const RMEM: readonly [number, number, number] = [4096, 131_072, 33_554_432];

export interface PathOptions {
  readonly seed: number;
  /** From the sender to the receiver: the bottleneck. Rates count bytes of IP packets. */
  readonly forward: DirectionOptions;
  /** Default: as fast as need be, with the delay of `forward`. */
  readonly back?: DirectionOptions;
  /** For the sender's endpoint. */
  readonly endpoint?: Partial<TcpEndpointOptions>;
}

/** One flow of bytes that never ends, from the sender's side. */
export interface BulkFlow {
  readonly connection: TcpConnection;
  readonly congestion: string;
  /** Bytes that the receiver has read. */
  received: number;
  /** Bytes that the application has written, and how many it has to write so far: for ever more, if nothing else is said. */
  written: number;
  limit: number;
  /** When the receiver's first byte came. */
  startedAt: Nanos;
}

/**
 * A sender and a receiver, each a TCP endpoint, joined by one link of the simulator: what the kernel was measured over, an
 * emulator of one path. Packets bear 20 bytes for an IPv4 header, so that rates and buffers count what the kernel's did.
 */
export class TcpPath {
  readonly simulation: Simulation;
  readonly link: Link;
  readonly sender: TcpEndpoint;
  readonly receiver: TcpEndpoint;
  readonly flows: BulkFlow[] = [];
  /** Is told what the sender's endpoint has to tell. */
  onSenderEvent: ((event: TcpEvent) => void) | undefined = undefined;
  readonly #addresses: readonly [IpAddress, IpAddress] = [parseIp("10.0.0.1"), parseIp("10.0.0.2")];
  readonly #ends: readonly [Side, Side];
  readonly #source = Uint8Array.from({ length: 65_536 }, (_, i) => i & 255);
  readonly #sink = new Uint8Array(1 << 20);
  #nextPort = 40_000;

  constructor({ seed, forward, back, endpoint }: PathOptions) {
    this.simulation = createSimulation({ seed, pool: new PacketPool({ small: 32_768, jumbo: 16, super: 16 }) });
    const { delay = 0 } = forward;
    this.link = this.simulation.link({
      name: "path",
      framing: "none",
      aToB: forward,
      bToA: back ?? { delay },
    });
    const make = (name: string, more: Partial<TcpEndpointOptions> = {}): TcpEndpoint =>
      new TcpEndpoint({
        pool: this.simulation.pool,
        random: this.simulation.random(name),
        secretRandom: simulatedSecrets(this.simulation.random(`${name}'s secrets`)),
        settings: { ...linuxSettings(), tcp_rmem: RMEM },
        route: () => ({ mtu: 1500 }),
        ...more,
      });
    this.sender = make("sender", endpoint);
    this.receiver = make("receiver");
    this.#ends = [new Side(this, this.sender, this.link.a), new Side(this, this.receiver, this.link.b)];
    this.simulation.run({ until: START });
    const listener = this.receiver.listen({ port: 80, backlog: 1024 }, START);
    this.#ends[0].onEvent = (event) => {
      this.#senderEvent(event);
    };
    this.#ends[1].onEvent = (event) => {
      if (event.type === "accept") this.receiver.accept(listener, this.now);
      else if (event.type === "readable") this.#read(event.connection);
    };
  }

  get now(): Nanos {
    return this.simulation.simulator.now;
  }

  /** Opens a connection at once and fills it for ever, or up to `limit` bytes. */
  start(congestion: string, limit = Infinity): BulkFlow {
    const [from, to] = this.#addresses;
    const connection = this.sender.connect(
      { address: from, port: this.#nextPort++ },
      { address: to, port: 80 },
      { options: { congestion } },
      this.now,
    );
    const flow: BulkFlow = { connection, congestion, received: 0, written: 0, limit, startedAt: NaN };
    this.flows.push(flow);
    connection.user = flow;
    this.#ends[0].drain();
    return flow;
  }

  /** The application has this much more to say. */
  resume(flow: BulkFlow, bytes = Infinity): void {
    flow.limit += bytes;
    this.#fill(flow.connection);
    this.#ends[0].drain();
  }

  /** A segment comes to the sender as if the receiver had sent it; it is taken over. */
  inject(packet: Packet): void {
    const [to, from] = this.#addresses;
    this.sender.handle(packet, { source: from, destination: to, ecn: 0 }, this.now);
    packet.release();
    this.#ends[0].drain();
  }

  run(duration: Nanos): void {
    this.simulation.run({ until: this.now + duration });
  }

  /** Runs in steps of `every` and calls `sample` after each. */
  runSampled(duration: Nanos, every: Nanos, sample: (now: Nanos) => void): void {
    for (const end = this.now + duration; this.now < end;) {
      this.run(Math.min(every, end - this.now));
      sample(this.now);
    }
  }

  info(flow: BulkFlow): TcpInfo {
    return this.sender.info(flow.connection, this.now);
  }

  /** Ends the world and gives every packet back; throws if one is missing. */
  close(): void {
    this.simulation.close();
    this.sender.destroy();
    this.receiver.destroy();
    for (const end of this.#ends) end.close();
    this.simulation.pool.assertDrained();
  }

  #senderEvent(event: TcpEvent): void {
    this.onSenderEvent?.(event);
    if (event.type === "connected" || event.type === "writable") this.#fill(event.connection);
  }

  #fill(connection: TcpConnection): void {
    const flow = connection.user as BulkFlow;
    while (flow.written < flow.limit && connection.state === "ESTABLISHED") {
      const room = Math.min(this.#source.length, flow.limit - flow.written);
      const piece = room === this.#source.length ? this.#source : this.#source.subarray(0, room);
      const count = this.sender.send(connection, piece, 0, this.now);
      if (count <= 0) return;
      flow.written += count;
    }
  }

  #read(connection: TcpConnection): void {
    const flow = this.flows.find((one) => one.connection.localPort === connection.remotePort);
    for (;;) {
      const count = this.receiver.receive(connection, this.#sink, 0, this.now);
      if (count <= 0 || flow === undefined) return;
      if (flow.received === 0) flow.startedAt = this.now;
      flow.received += count;
    }
  }
}

/** The driver of one endpoint, as core's docs/engine.md has it. */
class Side {
  onEvent: ((event: TcpEvent) => void) | undefined = undefined;
  readonly #path: TcpPath;
  readonly #endpoint: TcpEndpoint;
  readonly #line: Link["a"];
  #alarmAt: Nanos = Infinity;
  #alarm: ReturnType<Simulation["simulator"]["scheduleCall"]> | undefined = undefined;
  readonly #waiting = new Set<Packet>();

  constructor(path: TcpPath, endpoint: TcpEndpoint, line: Link["a"]) {
    this.#path = path;
    this.#endpoint = endpoint;
    this.#line = line;
    line.attach({
      receiveFrame: (packet, now) => {
        const fromA = line === path.link.b;
        packet.pull(IPV4_BYTES);
        const [a, b] = ADDRESSES;
        endpoint.handle(packet, { source: fromA ? a : b, destination: fromA ? b : a, ecn: 0 }, now);
        packet.release();
        this.drain();
      },
    });
  }

  drain(): void {
    const { simulator } = this.#path.simulation;
    const endpoint = this.#endpoint;
    for (;;) {
      const { now } = simulator;
      let worked = false;
      for (let output = endpoint.poll(now); output !== undefined; output = endpoint.poll(now)) {
        this.#send(output.packet, output.departure);
        worked = true;
      }
      for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
        this.onEvent?.(event);
        worked = true;
      }
      if (!worked) break;
    }
    const next = endpoint.nextTimeout();
    if (next >= this.#alarmAt) return;
    if (this.#alarm !== undefined) simulator.cancel(this.#alarm);
    this.#alarmAt = next;
    this.#alarm = simulator.scheduleCall(Math.max(next, simulator.now), () => {
      this.#alarm = undefined;
      this.#alarmAt = Infinity;
      endpoint.handleTimeout(simulator.now);
      this.drain();
    });
  }

  close(): void {
    for (const packet of this.#waiting) packet.release();
    this.#waiting.clear();
  }

  #send(packet: Packet, departure: Nanos): void {
    const { simulator } = this.#path.simulation;
    packet.push(IPV4_BYTES);
    if (departure <= simulator.now) {
      this.#line.send(packet);
      return;
    }
    this.#waiting.add(packet);
    simulator.scheduleCall(departure, () => {
      if (this.#waiting.delete(packet)) this.#line.send(packet);
    });
  }
}

const ADDRESSES = [parseIp("10.0.0.1"), parseIp("10.0.0.2")] as const;
