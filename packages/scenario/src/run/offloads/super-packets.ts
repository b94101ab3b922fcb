import { millis, SevilleError, type Nanos } from "@seville/core";
import type { Nic } from "@seville/netdev";
import { isIpv4, parseInterfaceAddress, type IpAddress } from "@seville/packet";
import { openUdp, type Host } from "@seville/stack";
import { parseEndpoint } from "../../check/network.ts";
import type { Interface, Traffic, TrafficSuperPackets } from "../../types.ts";
import { DelayRecorder } from "../delays.ts";
import type { PartRuntime, RunningTraffic, TrafficReport, World, WorldLink } from "../world.ts";
import { INNER_PORT, sendInner, type InnerPacket, type InnerProtocol } from "./inner-packet.ts";
import { judge, judgeReceipt } from "./judge.ts";
import { OffloadMeter, type NicMeter, type Reading } from "./meter.ts";
import type { OffloadResult } from "./offload-result.ts";
import { Sink } from "./sink.ts";

/** Neighbours are asked for first, so that no packet waits for an answer. */
const WARM_UP: Nanos = millis(500);
/** Between two packets: the first one's frames are on the wire by then. */
const APART: Nanos = millis(1);

const meters = new WeakMap<World, OffloadMeter>();

/** The traffic `superPackets`. */
export const superPackets: PartRuntime = {
  traffic: {
    superPackets: (world: World, name: string, spec: Traffic): RunningTraffic => {
      if (spec.superPackets === undefined) throw new SevilleError("ERR_SCENARIO_PART", "traffic without superPackets");
      return new SuperPackets(world, name, spec.superPackets);
    },
  },
};

/** A receiving NIC that is watched, and what it delivers to. */
interface Receiver {
  readonly meter: NicMeter;
  readonly sink: Sink;
  readonly profile: string;
}

class SuperPackets implements RunningTraffic {
  readonly #world: World;
  readonly #name: string;
  readonly #spec: TrafficSuperPackets;
  readonly #meter: NicMeter;
  /** The other end of the wire, if it is a NIC whose work can be watched. */
  readonly #receiver: Receiver | undefined;
  readonly #results: OffloadResult[] = [];
  #frames: Uint8Array[] = [];
  /** Judges the packet that was sent last, when its frames have left. */
  #conclude: (() => void) | undefined = undefined;
  #stopped = false;

  constructor(world: World, name: string, spec: TrafficSuperPackets) {
    this.#world = world;
    this.#name = name;
    this.#spec = spec;
    const { from, to, nic = "eth0" } = spec;
    const meter = meterOf(world);
    this.#meter = meter.watch(hostOf(world, from).interfaces.named(nic).device as unknown as Nic);
    const sink = Sink.of(hostOf(world, to), meter);
    this.#receiver = this.#watchReceiver(meter, sink, this.#tapWire(`${from}:${nic}`));
  }

  start(now: Nanos): void {
    const { simulator } = this.#world;
    const { from, via, inner } = this.#spec;
    const host = hostOf(this.#world, from);
    for (const iface of via) for (const family of [4, 6] as const) this.#warmUp(host, iface, family);
    let at = now + WARM_UP;
    for (const iface of via) {
      for (const what of inner) {
        simulator.scheduleCall(at, () => this.#send(host, iface, what));
        at += APART;
      }
    }
    simulator.scheduleCall(at, () => this.#concludeLast());
  }

  stop(): void {
    this.#concludeLast();
    this.#stopped = true;
  }

  finish(): TrafficReport {
    this.#concludeLast();
    meterOf(this.#world).close();
    return { offloads: this.#results, delays: new DelayRecorder(), delayKind: "one-way" };
  }

  #warmUp(host: Host, iface: string, family: 4 | 6): void {
    const address = this.#addressBehind(iface, family);
    if (address === undefined) return;
    const socket = openUdp(host, { family });
    socket.send(new Uint8Array(1), { address, port: INNER_PORT });
    socket.close();
  }

  #send(host: Host, iface: string, what: string): void {
    if (this.#stopped) return;
    this.#concludeLast();
    const { payload = 16_000, segment = 1200, from, nic = "eth0" } = this.#spec;
    const protocol = what.slice(0, -1) as InnerProtocol;
    const destination = this.#addressBehind(iface, what.endsWith("6") ? 6 : 4);
    if (destination === undefined) {
      this.#world.warn(`traffic ${this.#name}: nobody is behind ${iface} for ${what}`);
      return;
    }
    const inner: InnerPacket = { protocol, payload, segment };
    const frames: Uint8Array[] = [];
    this.#frames = frames;
    const reading = this.#meter.begin();
    const received = this.#receiver?.meter.begin();
    this.#receiver?.sink.take();
    this.#meter.run(() => {
      if (!sendInner(host, destination, inner)) this.#world.warn(`traffic ${this.#name}: ${what} found no way`);
    });
    const interfaces = this.#world.scenario.hosts[from]?.interfaces ?? {};
    const { nic: profile = "none", driver } = interfaces[nic] ?? {};
    const sent = {
      name: this.#name,
      from,
      profile,
      ...(driver === "careless" ? { careless: true as const } : {}),
      via: iface,
      tunnel: describe(interfaces, iface),
      inner: what,
      payload: inner.payload,
    };
    this.#conclude = () => {
      const verdict = judge(inner, frames, reading);
      this.#results.push({ ...sent, ...verdict, ...(received === undefined ? {} : this.#receipt(frames, received)) });
    };
  }

  #receipt(frames: readonly Uint8Array[], reading: Reading): Pick<OffloadResult, "receipt"> {
    if (this.#receiver === undefined) return {};
    const { sink, profile } = this.#receiver;
    return { receipt: { to: this.#spec.to, profile, ...judgeReceipt(frames, reading), delivered: sink.take() } };
  }

  #concludeLast(): void {
    this.#conclude?.();
    this.#conclude = undefined;
    this.#frames = [];
  }

  /** The receiver's address on its interface of that name. */
  #addressBehind(iface: string, family: 4 | 6): IpAddress | undefined {
    const spec = this.#world.scenario.hosts[this.#spec.to]?.interfaces?.[iface];
    const addresses = (spec?.addresses ?? []).map((text) => parseInterfaceAddress(text).address);
    return addresses.find((address) => isIpv4(address) === (family === 4));
  }

  /** Keeps the frames that leave `endpoint`; answers the other end. */
  #tapWire(endpoint: string): string {
    const { link, ends } = linkAt(this.#world, endpoint);
    const direction = ends[0] === endpoint ? "aToB" : "bToA";
    link.tap({
      frame: (from, point, frame) => {
        if (from === direction && point === "sent") this.#frames.push(frame.bytes().slice());
      },
    });
    return ends[0] === endpoint ? ends[1] : ends[0];
  }

  #watchReceiver(meter: OffloadMeter, sink: Sink, endpoint: string): Receiver | undefined {
    const { node, interface: name = "" } = parseEndpoint(endpoint);
    const profile = this.#world.scenario.hosts[node]?.interfaces?.[name]?.nic;
    if (profile === undefined) return undefined;
    const { device } = hostOf(this.#world, node).interfaces.named(name);
    return { meter: meter.watch(device as unknown as Nic), sink, profile };
  }
}

function meterOf(world: World): OffloadMeter {
  let meter = meters.get(world);
  if (meter === undefined) {
    meter = new OffloadMeter(world.pool);
    meters.set(world, meter);
  }
  return meter;
}

function hostOf(world: World, name: string): Host {
  const host = world.hosts.get(name);
  if (host === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no host ${name}`, "host");
  return host;
}

function linkAt(world: World, endpoint: string): WorldLink {
  for (const each of world.links.values()) if (each.ends.includes(endpoint)) return each;
  throw new SevilleError("ERR_INVALID_ARGUMENT", `${endpoint} is at no link`, "nic");
}

/** `none`, `vxlan`, `vxlan in vxlan`: from the inside out, by the ends of the tunnels. */
function describe(interfaces: Readonly<Record<string, Interface>>, name: string): string {
  const kinds: string[] = [];
  let tunnel = interfaces[name]?.tunnel;
  while (tunnel !== undefined && kinds.length < 8) {
    const marks = [
      tunnel.csum === true || tunnel.udpcsum === true ? "csum" : "",
      tunnel.key === undefined ? "" : "key",
    ];
    const port = tunnel.dstport === undefined ? "" : `:${tunnel.dstport}`;
    kinds.push([`${tunnel.kind}${port}`, ...marks.filter((mark) => mark !== "")].join("+"));
    const { local } = tunnel;
    tunnel = Object.values(interfaces).find(({ addresses = [] }) =>
      addresses.some((address) => address.split("/")[0] === local),
    )?.tunnel;
  }
  return kinds.length === 0 ? "none" : kinds.join(" in ");
}
