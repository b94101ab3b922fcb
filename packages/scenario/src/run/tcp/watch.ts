import type { EventHandler, EventId, Nanos } from "@seville/core";
import type { TcpSocket } from "@seville/stack/tcp";
import type { World } from "../world.ts";
import { DelayRecorder } from "../delays.ts";
import type { TcpSeries } from "./tcp-result.ts";

/** TCP_INFINITE_SSTHRESH. */
const INFINITE = 0x7fff_ffff;
/** Most points of a series. Beyond, every second one goes and the interval doubles. */
const MOST_POINTS = 4000;

/** Looks at one connection at intervals of virtual time, and changes nothing. */
export class TcpWatch implements EventHandler {
  readonly rtts: DelayRecorder = new DelayRecorder();
  readonly #world: World;
  readonly #name: string;
  readonly #socket: TcpSocket;
  #interval: Nanos;
  #event: EventId | undefined;
  #acked = 0;
  #lastAt: Nanos;
  readonly #rows: number[][] = [];

  constructor(world: World, name: string, socket: TcpSocket, interval: Nanos) {
    this.#world = world;
    this.#name = name;
    this.#socket = socket;
    this.#interval = interval;
    this.#lastAt = world.simulator.now;
    this.#event = world.simulator.schedule(this.#lastAt + interval, this);
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    const c = this.#socket.connection;
    if (c === undefined || c.state === "CLOSE") return;
    const rtt = (c.srttUs / 8) * 1000;
    const over = now - this.#lastAt;
    const throughput = over === 0 ? 0 : Math.round(((c.bytesAcked - this.#acked) * 8e9) / over);
    const ssthresh = c.sndSsthresh >= INFINITE ? 0 : c.sndSsthresh;
    this.#rows.push([
      now,
      c.sndCwnd,
      ssthresh,
      c.packetsOut - c.sackedOut - c.lostOut + c.retransOut,
      Math.round(rtt),
      throughput,
    ]);
    if (rtt > 0) this.rtts.add(now, Math.round(rtt));
    this.#acked = c.bytesAcked;
    this.#lastAt = now;
    if (this.#rows.length > MOST_POINTS) this.#thin();
    this.#event = this.#world.simulator.schedule(now + this.#interval, this);
  }

  series(): TcpSeries {
    if (this.#event !== undefined) this.#world.simulator.cancel(this.#event);
    const column = (i: number): number[] => this.#rows.map((row) => row[i] as number);
    return {
      name: this.#name,
      at: column(0),
      cwnd: column(1),
      ssthresh: column(2),
      inFlight: column(3),
      rtt: column(4),
      throughput: column(5),
    };
  }

  #thin(): void {
    const kept = this.#rows.filter((_, i) => i % 2 === 1);
    this.#rows.length = 0;
    this.#rows.push(...kept);
    this.#interval *= 2;
  }
}
