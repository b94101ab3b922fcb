import type { Nanos } from "@seville/core";
import { startTcpBulk, startTcpSink, type TcpBulk, type TcpSink } from "@seville/stack/tcp";
import type { World } from "../world.ts";
import type { FlowEnds, PatternFlow } from "./udp-flow.ts";

export interface TcpFlowOptions {
  readonly bytes?: number | undefined;
  readonly congestion?: string | undefined;
}

/** A TCP connection that carries as much as it can, or so many bytes. */
export class TcpFlow implements PatternFlow {
  readonly #world: World;
  readonly #ends: FlowEnds;
  readonly #options: TcpFlowOptions;
  readonly #sink: TcpSink;
  #bulk: TcpBulk | undefined;
  #startedAt: Nanos | undefined;
  #stoppedAt: Nanos | undefined;

  constructor(world: World, ends: FlowEnds, options: TcpFlowOptions) {
    this.#world = world;
    this.#ends = ends;
    this.#options = options;
    const { receiver, to, port } = ends;
    this.#sink = startTcpSink(receiver, { family: typeof to === "number" ? 4 : 6, port });
  }

  start(now: Nanos): void {
    if (this.#bulk !== undefined) return;
    const { sender, to, port } = this.#ends;
    const { bytes, congestion } = this.#options;
    this.#startedAt = now;
    this.#bulk = startTcpBulk(sender, {
      to,
      port,
      ...(bytes === undefined ? {} : { bytes }),
      ...(congestion === undefined ? {} : { congestion }),
    });
  }

  stop(now: Nanos): void {
    this.#stoppedAt ??= now;
    this.#bulk?.stop();
  }

  finish(now: Nanos): { bytes: number; span: Nanos; completion?: Nanos } {
    const report = this.#bulk?.report();
    if (report?.error !== undefined)
      this.#world.warn(`traffic ${this.#ends.name}: a connection failed with ${report.error}`);
    const completedAt = report?.completedAt;
    const startedAt = this.#startedAt ?? now;
    const bytes = this.#sink.bytes;
    this.#bulk?.close();
    this.#sink.close();
    return {
      bytes,
      span: (completedAt ?? this.#stoppedAt ?? now) - startedAt,
      ...(completedAt === undefined ? {} : { completion: completedAt - startedAt }),
    };
  }
}
