import { SevilleError, type Nanos } from "../../../packages/core/src/index.ts";
import { parseIpv4, parseIpv6, PacketPool } from "../../../packages/packet/src/index.ts";
import { createSimulation, type Simulation } from "../../../packages/sim/src/index.ts";
import {
  addAddress4,
  addAddress6,
  closeHost,
  createHost,
  IFA_F_NODAD,
  openUdp,
  type Host,
  type NetInterface,
} from "../../../packages/stack/src/index.ts";
import { installSegmenter } from "../../../packages/stack/src/offload/index.ts";
import { installTcp, openTcp, type TcpHost } from "../../../packages/stack/src/tcp/index.ts";
import { freebsdSettings, linuxSettings, type TcpSettings } from "../../../packages/tcp/src/index.ts";
import { UnsupportedError } from "../language/errors.ts";
import type { RunConfig } from "../run/config.ts";
import { createFreebsdDialect, LINUX_DIALECT } from "./dialect.ts";
import { connectionRows, dropConnections } from "./connection-rows.ts";
import { readCounters } from "./counters.ts";
import { changeSetting } from "./settings.ts";
import { ErrnoError, type CapturedPacket, type ConnectionRow, type SutSocket, type SystemUnderTest } from "./system.ts";
import { StackTcpSocket } from "./tcp-socket.ts";
import { TunDevice } from "./tun-device.ts";
import { StackUdpSocket } from "./udp-socket.ts";
import { UdpTunnel } from "./udp-tunnel.ts";

/** One pool serves all scripts, one after the other: each must leave it as full as it was. */
let pool: PacketPool | undefined;

/** A host of `@seville/stack` with a TUN device, in a world of its own. */
export function createSevilleSystem(config: RunConfig): SystemUnderTest {
  return new SevilleSystem(config);
}

class SevilleSystem implements SystemUnderTest {
  readonly #config: RunConfig;
  readonly #world: Simulation;
  readonly #host: Host;
  readonly #tun: TunDevice;
  /** TCP over UDP, which is FreeBSD's. */
  readonly #tunnel: UdpTunnel | undefined;
  /** Resets that the tunnel answered with. */
  readonly #answers: CapturedPacket[] = [];
  readonly #iface: NetInterface;
  readonly #tcp: TcpHost;
  readonly #settings: TcpSettings;
  readonly #inUse: number;

  constructor(config: RunConfig) {
    this.#config = config;
    pool ??= new PacketPool();
    this.#inUse = pool.stats.inUse;
    this.#world = createSimulation({ seed: 1, pool });
    const { simulator: scheduler } = this.#world;
    this.#host = createHost({ name: "dut", scheduler, pool, random: this.#world.random("dut") });
    installSegmenter(this.#host);
    this.#settings = config.profile.name === "freebsd" ? freebsdSettings() : linuxSettings();
    this.#tcp = installTcp(this.#host, { settings: this.#settings, gso: config.profile.segmentationOffload });
    this.#tun = new TunDevice(config.mtu, config.profile.segmentationOffload);
    this.#iface = this.#host.interfaces.add(this.#tun, { name: "tun0", up: true });
    if (config.family === 4) addAddress4(this.#iface, { address: parseIpv4(config.localAddress), prefixLength: 16 });
    else addAddress6(this.#iface, { address: parseIpv6(config.localAddress), prefixLength: 48, flags: IFA_F_NODAD });
    this.setRoute(new Map());
    if (config.profile.name === "freebsd") {
      this.#tunnel = new UdpTunnel(
        () => this.connections(),
        () => this.#iface.mtu,
      );
    }
  }

  get now(): Nanos {
    return this.#world.simulator.now;
  }

  nextEvent(): Nanos {
    return this.#world.simulator.nextEventAt;
  }

  runUntil(until: Nanos): void {
    this.#world.run({ until });
  }

  inject(packet: Uint8Array): void {
    const unwrapped = this.#tunnel?.unwrap(packet) ?? { up: packet };
    if ("up" in unwrapped) this.#tun.receive(unwrapped.up, this.#host.pool, this.now);
    else if (unwrapped.answer !== undefined) {
      this.#answers.push({ at: this.now, bytes: unwrapped.answer, gsoSize: 0, summed: true });
    }
  }

  take(): CapturedPacket | undefined {
    const next = this.#tun.take();
    if (next === undefined) return this.#answers.shift();
    return this.#tunnel?.wrap(next) ?? next;
  }

  socket(domain: string, type: string, protocol: string): SutSocket {
    const family = domain === "AF_INET" ? 4 : 6;
    if (domain !== "AF_INET" && domain !== "AF_INET6") throw new ErrnoError("EAFNOSUPPORT");
    if (type === "SOCK_DGRAM") return new StackUdpSocket(openUdp(this.#host, { family }));
    if (type !== "SOCK_STREAM") throw new UnsupportedError(`sockets of type ${type}`);
    if (!["IPPROTO_TCP", "0", "IPPROTO_IP", "6"].includes(protocol)) throw new UnsupportedError(`protocol ${protocol}`);
    const isBsd = this.#config.profile.name === "freebsd";
    const dialect = isBsd ? createFreebsdDialect(() => this.#settings.tcp_fastopen) : LINUX_DIALECT;
    return new StackTcpSocket(openTcp(this.#host, { family }), dialect, this.#tunnel);
  }

  configure(name: string, value: string): boolean {
    if (this.#tunnel !== undefined && (name === "udpTunnelingPort" || name === "udpTunnelingOverhead")) {
      this.#tunnel[name === "udpTunnelingPort" ? "port" : "overhead"] = Number(value);
      return true;
    }
    return changeSetting(this.#host, this.#tcp, this.#settings, name, value);
  }

  connections(): readonly ConnectionRow[] {
    return connectionRows(this.#host);
  }

  drop(state: string): number {
    return dropConnections(this.#tcp, state);
  }

  counters(): ReadonlyMap<string, number> {
    return readCounters(this.#host);
  }

  setSegmentationOffload(on: boolean): void {
    this.#tun.takesSuperPackets = on;
  }

  setMtu(mtu: number): void {
    this.#host.interfaces.setMtu(this.#iface, mtu);
  }

  /** The one route that there is: to the peer's network. */
  setRoute(attributes: ReadonlyMap<string, string>): boolean {
    const metrics: Record<string, number | string | boolean> = {};
    for (const [name, value] of attributes) {
      const number = /^(?:lock )?(\d+)$/.exec(value)?.[1];
      metrics[name] = number === undefined ? value : Number(number);
    }
    const { family } = this.#config;
    const route = {
      destination: family === 4 ? 0 : parseIpv6("::"),
      prefixLength: 0,
      dev: this.#iface,
      metrics,
    };
    try {
      if (family === 4) this.#host.ipv4.fib.add(route, "replace");
      else this.#host.ipv6.fib.add(route, "replace");
      return true;
    } catch (error) {
      if (error instanceof SevilleError) return false;
      throw error;
    }
  }

  flushMetrics(): void {
    // Each script has a host of its own, which remembers nothing.
  }

  close(): readonly string[] {
    closeHost(this.#host);
    this.#world.close();
    while (this.#tun.take() !== undefined);
    const leaked = this.#host.pool.stats.inUse - this.#inUse;
    return leaked === 0 ? [] : [`${leaked} packets leaked`];
  }
}
