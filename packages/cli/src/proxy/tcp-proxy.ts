import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createRandom, type Nanos } from "@seville/core";
import { monotonicNow, RealtimeDriver, type RealtimeResult } from "@seville/host-link";
import { PacketPool, parseInterfaceAddress } from "@seville/packet";
import { Link, parseLink, Simulator, type DirectionOptions } from "@seville/sim";
import { addAddress4, closeHost, createEthernet, createHost, type Host } from "@seville/stack";
import { EPOLLERR, EPOLLHUP, EPOLLOUT, openTcp, type TcpSocket } from "@seville/stack/tcp";
import { abort, splice, type SpliceCounts } from "./splice.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxyOptions {
  readonly listen: Endpoint;
  readonly to: Endpoint;
  /** Both directions; `up` (from the client) and `down` override. */
  readonly link: DirectionOptions;
  readonly up?: DirectionOptions;
  readonly down?: DirectionOptions;
  readonly seed: number;
  /** TCP_CONGESTION of the simulated connections. */
  readonly congestion?: string;
  /** Is told of each connection when it opens and when it ends. */
  readonly onConnection?: (connection: ProxiedConnection) => void;
}

export interface ProxiedConnection {
  readonly number: number;
  /** `address:port` of the client. */
  readonly client: string;
  readonly state: "open" | "closed";
  /** Bytes from the client, and to it. */
  readonly up: number;
  readonly down: number;
  /** Errno of what ended it; absent: it ended well. */
  readonly error?: string;
}

const FAR_ADDRESS = "10.0.0.2";
const FAR_PORT = 1;

/**
 * A bad network between a real client and a real server, without root: connections to `listen` go through a simulated TCP over a
 * simulated link, in real time, and on to `to`.
 */
export class TcpProxy {
  readonly link: Link;
  readonly #options: TcpProxyOptions;
  readonly #simulator: Simulator;
  readonly #driver: RealtimeDriver;
  readonly #near: Host;
  readonly #far: Host;
  readonly #server: Server;
  readonly #pool = new PacketPool({ small: 32_768, jumbo: 64, super: 64 });
  /** Real connections that are open, on both sides. */
  readonly #real = new Set<Socket>();
  #connections = 0;
  #failed = 0;

  constructor(options: TcpProxyOptions) {
    this.#options = options;
    const random = createRandom(options.seed);
    this.#simulator = new Simulator({ random });
    this.#driver = new RealtimeDriver(this.#simulator);
    this.link = new Link({
      scheduler: this.#simulator,
      random,
      name: "proxy",
      ends: ["client", "server"],
      ...options.link,
      ...(options.up === undefined ? {} : { aToB: options.up }),
      ...(options.down === undefined ? {} : { bToA: options.down }),
    });
    const host = (name: string, end: Link["a"], address: string): Host => {
      const made = createHost({ name, scheduler: this.#simulator, pool: this.#pool, random });
      const given = parseInterfaceAddress(address);
      const iface = made.interfaces.add(createEthernet(end), { name: "eth0", up: true });
      addAddress4(iface, { address: given.address as number, prefixLength: given.prefixLength });
      return made;
    };
    this.#near = host("client", this.link.a, "10.0.0.1/24");
    this.#far = host("server", this.link.b, `${FAR_ADDRESS}/24`);
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      this.#opened(client);
    });
  }

  get connections(): number {
    return this.#connections;
  }

  /** Of those, how many ended with an error. */
  get failed(): number {
    return this.#failed;
  }

  /** Begins to listen. @throws the error of `listen`: EADDRINUSE … */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options.listen;
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const listener = openTcp(this.#far);
    listener.bind({ port: FAR_PORT });
    listener.listen();
    listener.onReady = () => {
      for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) this.#arrived(socket);
    };
    return this.#server.address() as AddressInfo;
  }

  /** Carries connections until `signal` says that it is enough. Then all is closed. */
  async run(signal: AbortSignal): Promise<RealtimeResult> {
    try {
      return await this.#driver.run({ until: Infinity, signal });
    } finally {
      this.#server.close();
      for (const socket of this.#real) socket.resetAndDestroy();
      closeHost(this.#near);
      closeHost(this.#far);
      this.link.close();
    }
  }

  /** Changes the link while it runs: `loss=10%`, `down`, `up`, `partition`, `heal`. @throws SevilleError */
  command(text: string): void {
    const words = text.trim();
    this.#enter(() => {
      if (words === "down" || words === "up") this.link.setUp(words === "up");
      else if (words === "partition") this.link.partition();
      else if (words === "heal") this.link.heal();
    });
    if (["down", "up", "partition", "heal", ""].includes(words)) return;
    const change = parseLink(words);
    this.#enter(() => {
      this.link.set(change);
    });
  }

  /** The simulated time, ns. */
  get now(): Nanos {
    return this.#simulator.now;
  }

  /** Not at once: who asks may be called by the simulator itself. */
  readonly #enter = (call: () => void): void => {
    const arrivedAt = monotonicNow();
    queueMicrotask(() => this.#driver.inject(call, arrivedAt));
  };

  #opened(client: Socket): void {
    const number = ++this.#connections;
    const name = `${client.remoteAddress ?? "?"}:${client.remotePort ?? 0}`;
    this.#keep(client);
    this.#options.onConnection?.({ number, client: name, state: "open", up: 0, down: 0 });
    this.#enter(() => {
      const simulated = openTcp(this.#near);
      const { congestion } = this.#options;
      if (congestion !== undefined) simulated.setsockopt("TCP_CONGESTION", congestion);
      simulated.connect({ address: FAR_ADDRESS, port: FAR_PORT });
      const counts: SpliceCounts = { in: 0, out: 0 };
      const over = (error: string | undefined): void => {
        if (error !== undefined) this.#failed++;
        const { in: up, out: down } = counts;
        this.#options.onConnection?.({
          number,
          client: name,
          state: "closed",
          up,
          down,
          ...(error === undefined ? {} : { error }),
        });
      };
      whenConnected(simulated, (error) => {
        if (error === undefined) {
          const own = splice({ real: client, simulated, enter: this.#enter, done: over });
          // The counters that `over` reads are those of the splice.
          Object.defineProperties(counts, { in: { get: () => own.in }, out: { get: () => own.out } });
          return;
        }
        simulated.close();
        client.resetAndDestroy();
        over(error);
      });
    });
  }

  /** A connection has come through the simulated network: on to the real server. */
  #arrived(simulated: TcpSocket): void {
    const { host, port } = this.#options.to;
    const real = connect({ host, port, allowHalfOpen: true });
    this.#keep(real);
    const refused = (): void => {
      this.#enter(() => {
        abort(simulated);
      });
    };
    real.once("error", refused);
    real.once("connect", () => {
      real.off("error", refused);
      splice({ real, simulated, enter: this.#enter, done: () => undefined });
    });
  }

  #keep(socket: Socket): void {
    socket.setNoDelay(true);
    this.#real.add(socket);
    socket.once("close", () => this.#real.delete(socket));
  }
}

/** Calls `done` once the handshake is over, with the errno of what it failed by. */
function whenConnected(socket: TcpSocket, done: (error: string | undefined) => void): void {
  socket.onReady = (events) => {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) === 0) return;
    socket.onReady = undefined;
    const code = socket.takeSocketError();
    done(code === 0 ? undefined : code);
  };
}
