import { createRandom, simulatedSecrets, type Nanos } from "../../../packages/core/src/index.ts";
import type { PacketPool } from "../../../packages/packet/src/index.ts";
import { parseIp, type IpAddress } from "../../../packages/packet/src/index.ts";
import {
  TcpEndpoint,
  type TcpConnection,
  type TcpEndpointOptions,
  type TcpListener,
} from "../../../packages/tcp/src/index.ts";

export interface PairOptions {
  readonly pool: PacketPool;
  readonly endpoint?: Partial<TcpEndpointOptions>;
}

/** Two endpoints in one process. What one sends the other is given, by the same packet: no wire, no copy, no IP header. */
export class Pair {
  readonly addresses: readonly [IpAddress, IpAddress] = [parseIp("10.0.0.1"), parseIp("10.0.0.2")];
  readonly ends: readonly [TcpEndpoint, TcpEndpoint];
  readonly listener: TcpListener;
  /** Segments of at most an MTU that crossed: a super-packet counts as those that it stands for. */
  segments = 0;
  now: Nanos = 1_000_000_000;

  constructor({ pool, endpoint = {} }: PairOptions) {
    const random = createRandom(1);
    const make = (name: string): TcpEndpoint =>
      new TcpEndpoint({
        pool,
        random: random.fork(name),
        secretRandom: simulatedSecrets(random.fork(`secrets of ${name}`)),
        route: () => ({ mtu: 1500 }),
        ...endpoint,
      });
    this.ends = [make("client"), make("server")];
    this.listener = this.ends[1].listen({ port: 80, backlog: 4096 }, this.now);
  }

  /** A connection, established: the client's side and the server's. */
  open(port: number): readonly [TcpConnection, TcpConnection] {
    const [from, to] = this.addresses;
    const client = this.ends[0].connect({ address: from, port }, { address: to, port: 80 }, {}, this.now);
    this.exchange();
    const server = this.ends[1].accept(this.listener, this.now);
    if (server === undefined) throw new Error(`the connection from port ${port} did not come about`);
    this.exchange();
    return [client, server];
  }

  /** Hands segments over until neither end has one. Answers how many packets went. */
  exchange(): number {
    let packets = 0;
    for (let before = -1; packets !== before;) {
      before = packets;
      packets += this.#pass(0) + this.#pass(1);
    }
    return packets;
  }

  /** Lets time pass until the next deadline of either end. */
  wait(): void {
    const next = Math.min(this.ends[0].nextTimeout(), this.ends[1].nextTimeout());
    if (next === Infinity) throw new Error("both ends wait for each other");
    this.now = Math.max(this.now, next);
    for (const end of this.ends) end.handleTimeout(this.now);
    this.exchange();
  }

  /** A few seconds in which nobody does anything: timers that were set are over, and connections count as idle. */
  rest(): void {
    for (let i = 0; i < 3; i++) {
      this.now += 2_000_000_000;
      for (const end of this.ends) end.handleTimeout(this.now);
      this.exchange();
    }
  }

  #pass(from: 0 | 1): number {
    const sender = this.ends[from];
    const receiver = this.ends[from === 0 ? 1 : 0];
    let packets = 0;
    for (let output = sender.poll(this.now); output !== undefined; output = sender.poll(this.now)) {
      const { packet, source, destination, ecn } = output;
      packets++;
      this.segments += Math.max(1, packet.gsoSegs);
      receiver.handle(packet, { source, destination, ecn }, this.now);
      packet.release();
    }
    while (sender.pollEvent() !== undefined);
    return packets;
  }
}
