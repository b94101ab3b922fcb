import { invalidArgument, type Nanos } from "@seville/core";
import { isMulticastMac, readMac, type MacAddress, type Packet } from "@seville/packet";
import type { FrameSink, LinkEnd } from "@seville/sim";
import type { Statistic } from "../stats/groups.ts";

/** What one port of the switch counts, seen from the switch: `rx` came from the function into it. */
export interface PortStats {
  rx_unicast: number;
  rx_multicast: number;
  rx_bytes: number;
  tx_unicast: number;
  tx_multicast: number;
  tx_bytes: number;
  /** Frames from this port that went to another port and never to the wire. */
  local: number;
  /** The source address was not the function's. */
  spoofed: number;
  /** There was nobody on this port. */
  tx_dropped: number;
}

export interface EmbeddedSwitchOptions {
  /** The wire. */
  readonly uplink: LinkEnd;
  /** Functions that are there from the beginning; {@link EmbeddedSwitch.addPort} adds more. */
  readonly ports: number;
  /**
   * `veb`: frames between functions stay inside (IEEE 802.1Q, virtual Ethernet bridge); `vepa`: everything goes to the
   * wire, and a switch outside sends it back (IEEE 802.1Qbg). Default `veb`.
   */
  readonly mode?: "veb" | "vepa";
  /** Drop what does not bear the function's own address as its source. Default: no. */
  readonly spoofCheck?: boolean;
}

/** Names of {@link PortStats}, in the order in which they are printed. */
const PORT_STATS = [
  "rx_unicast",
  "rx_multicast",
  "rx_bytes",
  "tx_unicast",
  "tx_multicast",
  "tx_bytes",
  "local",
  "spoofed",
  "tx_dropped",
] as const satisfies readonly (keyof PortStats)[];

/** The name of the uplink as a port. */
const UPLINK = -1;

/**
 * The switch in a NIC: functions on one side, a wire on the other, addresses set by the administrator and not learned. Its
 * ports count apart: the wire's counters alone do not show what functions say to each other, and their sum is not what was
 * on the wire.
 */
export class EmbeddedSwitch implements FrameSink {
  readonly uplinkStats: PortStats = createPortStats();
  readonly mode: "veb" | "vepa";
  readonly #ports: SwitchPort[];
  readonly #uplink: LinkEnd;
  readonly #spoofCheck: boolean;
  readonly #now: () => Nanos;

  /** @param now the time, for frames that never see the wire */
  constructor(options: EmbeddedSwitchOptions, now: () => Nanos) {
    const { uplink, ports } = options;
    if (!Number.isInteger(ports) || ports < 1) throw invalidArgument("ports", "1 or more", ports);
    this.#uplink = uplink;
    this.mode = options.mode ?? "veb";
    this.#spoofCheck = options.spoofCheck ?? false;
    this.#now = now;
    this.#ports = Array.from({ length: ports }, (_, index) => new SwitchPort(index, uplink, this));
    uplink.attach(this);
  }

  get ports(): readonly SwitchPort[] {
    return this.#ports;
  }

  /** One more virtual function (`echo N > sriov_numvfs`). */
  addPort(): SwitchPort {
    const port = new SwitchPort(this.#ports.length, this.#uplink, this);
    this.#ports.push(port);
    return port;
  }

  /** From the wire. */
  receiveFrame(frame: Packet, now: Nanos): void {
    countRx(this.uplinkStats, frame);
    this.#deliver(frame, UPLINK, now);
  }

  carrierChanged(up: boolean, now: Nanos): void {
    for (const port of this.ports) port.sink?.carrierChanged?.(up, now);
  }

  /** @internal From a function. */
  fromPort(frame: Packet, from: SwitchPort): void {
    const { stats } = from;
    countRx(stats, frame);
    const { view } = frame.pool.memory;
    if (this.#spoofCheck && from.mac !== undefined && readMac(view, frame.data + 6) !== from.mac) {
      stats.spoofed++;
      frame.release();
      return;
    }
    if (this.mode === "vepa") this.#toWire(frame);
    else this.#deliver(frame, from.index, this.#now());
  }

  /** Statistics of all ports, for the group `port`. */
  *statistics(): Iterable<Statistic> {
    for (const name of PORT_STATS) yield [`uplink.${name}`, this.uplinkStats[name]];
    for (const { index, stats } of this.ports) {
      for (const name of PORT_STATS) yield [`port-${index}.${name}`, stats[name]];
    }
  }

  /** To whom it is addressed; groups to everybody else; what nobody here has, to the wire. */
  #deliver(frame: Packet, from: number, now: Nanos): void {
    const mac = readMac(frame.pool.memory.view, frame.data);
    if (isMulticastMac(mac)) {
      this.#flood(frame, from, now);
      return;
    }
    const to = this.ports.find((port) => port.mac === mac && port.index !== from);
    if (to !== undefined) {
      if (from !== UPLINK) (this.ports[from] as SwitchPort).stats.local++;
      to.deliver(frame, now);
    } else if (from === UPLINK) frame.release();
    else this.#toWire(frame);
  }

  #flood(frame: Packet, from: number, now: Nanos): void {
    const source = readMac(frame.pool.memory.view, frame.data + 6);
    for (const port of this.ports) {
      // Behind a VEPA a function would hear its own broadcast again.
      if (port.index === from || port.mac === source) continue;
      const copy = frame.copy();
      if (copy === undefined) port.stats.tx_dropped++;
      else port.deliver(copy, now);
    }
    if (from === UPLINK) frame.release();
    else this.#toWire(frame);
  }

  #toWire(frame: Packet): void {
    countTx(this.uplinkStats, frame);
    this.#uplink.send(frame);
  }
}

/** A port of the switch: to the function on it, its wire. */
export class SwitchPort implements LinkEnd {
  readonly index: number;
  readonly stats: PortStats = createPortStats();
  /** The function's address, set by the administrator (`ip link set PF vf N mac …`). */
  mac: MacAddress | undefined = undefined;
  sink: FrameSink | undefined = undefined;
  readonly #uplink: LinkEnd;
  readonly #switch: EmbeddedSwitch;

  constructor(index: number, uplink: LinkEnd, parent: EmbeddedSwitch) {
    this.index = index;
    this.#uplink = uplink;
    this.#switch = parent;
  }

  get name(): string {
    return `${this.#uplink.name}:vf${this.index}`;
  }

  get mtu(): number {
    return this.#uplink.mtu;
  }

  get carrier(): boolean {
    return this.#uplink.carrier;
  }

  attach(sink: FrameSink): void {
    this.sink = sink;
  }

  send(frame: Packet): void {
    this.#switch.fromPort(frame, this);
  }

  /** @internal */
  deliver(frame: Packet, now: Nanos): void {
    countTx(this.stats, frame);
    if (this.sink === undefined) {
      this.stats.tx_dropped++;
      frame.release();
      return;
    }
    this.sink.receiveFrame(frame, now);
  }
}

function createPortStats(): PortStats {
  return Object.fromEntries(PORT_STATS.map((name) => [name, 0])) as unknown as PortStats;
}

function countRx(stats: PortStats, frame: Packet): void {
  if (isMulticastMac(readMac(frame.pool.memory.view, frame.data))) stats.rx_multicast++;
  else stats.rx_unicast++;
  stats.rx_bytes += frame.length;
}

function countTx(stats: PortStats, frame: Packet): void {
  if (isMulticastMac(readMac(frame.pool.memory.view, frame.data))) stats.tx_multicast++;
  else stats.tx_unicast++;
  stats.tx_bytes += frame.length;
}
