import type { Nanos } from "@seville/core";
import { formatIp, type IpAddress } from "@seville/packet";
import { startTcpBulk, startTcpSink, type SinkConnection, type TcpBulk, type TcpSink } from "@seville/stack/tcp";
import { duration, size } from "../../quantities.ts";
import type { Traffic, TrafficTcp } from "../../types.ts";
import { DelayRecorder } from "../delays.ts";
import { ownerOf } from "../sender.ts";
import { senderHost, type RunningTraffic, type TrafficReport, type World } from "../world.ts";
import type { TcpConnectionResult, TcpSeries } from "./tcp-result.ts";
import { TcpWatch } from "./watch.ts";
import { whenAddressed } from "./when-addressed.ts";

/** A run is looked at so often, unless `sampling` says otherwise. */
const SAMPLES = 500;

/** Bulk transfer over one or more connections. */
export function tcpBulk(world: World, name: string, traffic: Traffic): RunningTraffic {
  const { tcp: spec } = traffic;
  if (spec === undefined) throw new TypeError(`traffic ${name} is no tcp`);
  return new BulkTraffic(world, name, spec);
}

interface Transfer {
  readonly bulk: TcpBulk;
  readonly watch: TcpWatch;
  readonly label: string;
}

class BulkTraffic implements RunningTraffic {
  readonly #world: World;
  readonly #name: string;
  readonly #spec: TrafficTcp;
  readonly #to: IpAddress;
  readonly #sink: TcpSink | undefined;
  readonly #transfers: Transfer[] = [];
  #cancel: () => void = () => undefined;
  #firstAt: Nanos = 0;
  #lastAt: Nanos = 0;

  constructor(world: World, name: string, spec: TrafficTcp) {
    this.#world = world;
    this.#name = name;
    this.#spec = spec;
    this.#to = world.resolve(spec.from, spec.to, spec.family);
    const owner = ownerOf(world, this.#to);
    if (owner === undefined) {
      world.warn(`traffic ${name}: nobody in the scenario has the address ${spec.to}, so arrivals are not counted`);
      return;
    }
    this.#sink = startTcpSink(owner, {
      family: typeof this.#to === "number" ? 4 : 6,
      port: spec.port ?? 5201,
      ...(spec.receiveBuffer === undefined ? {} : { rcvbuf: size(spec.receiveBuffer) }),
      onBytes: (_count, _connection, now) => {
        if (this.#firstAt === 0) this.#firstAt = now;
        this.#lastAt = now;
      },
    });
  }

  start(): void {
    const host = senderHost(this.#world, this.#spec.from);
    this.#cancel = whenAddressed(this.#world, host, this.#to, () => this.#begin());
  }

  #begin(): void {
    const { from, port = 5201, bytes, congestion, connections = 1 } = this.#spec;
    const { scenario } = this.#world;
    const { sampling, duration: length = "10s" } = scenario;
    const interval = Math.max(
      1000,
      sampling === undefined ? Math.ceil(duration(length) / SAMPLES) : duration(sampling),
    );
    for (let i = 0; i < connections; i++) {
      const bulk = startTcpBulk(senderHost(this.#world, from), {
        to: this.#to,
        port,
        ...(bytes === undefined ? {} : { bytes: size(bytes) }),
        ...(congestion === undefined ? {} : { congestion }),
      });
      const label = connections === 1 ? this.#name : `${this.#name} ${i + 1}`;
      this.#transfers.push({ bulk, label, watch: new TcpWatch(this.#world, label, bulk.socket, interval) });
    }
  }

  stop(): void {
    this.#cancel();
    for (const { bulk } of this.#transfers) bulk.stop();
  }

  finish(): TrafficReport {
    this.#cancel();
    const delays = new DelayRecorder();
    const series: TcpSeries[] = [];
    const connections = this.#transfers.map((transfer) => {
      const one = transfer.watch.series();
      series.push(one);
      for (const [i, at] of one.at.entries()) if ((one.rtt[i] as number) > 0) delays.add(at, one.rtt[i] as number);
      return this.#connectionResult(transfer);
    });
    for (const { bulk } of this.#transfers) bulk.close();
    const bytes = this.#sink?.bytes ?? connections.reduce((sum, each) => sum + each.bytes, 0);
    this.#sink?.close();
    const { from, to } = this.#spec;
    const throughput = rateOf(bytes, this.#lastAt - this.#firstAt);
    return {
      tcp: { name: this.#name, from, to, bytes, throughput, connections },
      tcpSeries: series,
      delays,
      delayKind: "rtt",
    };
  }

  #connectionResult({ bulk, watch }: Transfer): TcpConnectionResult {
    const report = bulk.report();
    const { local, info, completedAt, startedAt, error } = report;
    const arrived = this.#arrivedFrom(local?.port ?? 0);
    return {
      tuple: `${local === undefined ? "?" : endpoint(local.address, local.port)} > ${endpoint(this.#to, this.#spec.port ?? 5201)}`,
      congestion: bulk.socket.connection?.congestion?.name ?? "",
      bytes: arrived?.bytes ?? report.acknowledged,
      throughput: arrived === undefined ? 0 : rateOf(arrived.bytes, arrived.lastAt - arrived.firstAt),
      rtt: watch.rtts.distribution(),
      minRtt: (info?.min_rtt ?? 0) * 1000,
      segments: info?.data_segs_out ?? 0,
      retransmitted: info?.total_retrans ?? 0,
      timeouts: info?.total_rto ?? 0,
      ...(completedAt === undefined ? {} : { completion: completedAt - startedAt }),
      ...(error === undefined ? {} : { error }),
    };
  }

  #arrivedFrom(port: number): SinkConnection | undefined {
    return this.#sink?.connections.find(({ socket }) => socket.connection?.remotePort === port);
  }
}

function rateOf(bytes: number, span: Nanos): number {
  return span <= 0 ? 0 : (bytes * 8e9) / span;
}

function endpoint(address: IpAddress, port: number): string {
  return typeof address === "number" ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}
