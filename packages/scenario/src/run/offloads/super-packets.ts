import { millis, SevilleError, type Nanos } from "@seville/core";
import type { Nic } from "@seville/netdev";
import { isIpv4, parseInterfaceAddress, type IpAddress } from "@seville/packet";
import { openUdp, type Host } from "@seville/stack";
import type { Interface, Traffic, TrafficSuperPackets } from "../../types.ts";
import { DelayRecorder } from "../delays.ts";
import type { PartRuntime, RunningTraffic, TrafficReport, World, WorldLink } from "../world.ts";
import { INNER_PORT, sendInner, type InnerPacket, type InnerProtocol } from "./inner-packet.ts";
import { judge } from "./judge.ts";
import { ChecksumMeter, type NicMeter } from "./meter.ts";
import type { OffloadResult } from "./offload-result.ts";

/** Neighbours are asked for first, so that no packet waits for an answer. */
const WARM_UP: Nanos = millis(500);
/** Between two packets: the first one's frames are on the wire by then. */
const APART: Nanos = millis(1);

const meters = new WeakMap<World, ChecksumMeter>();

/** The traffic `superPackets`. */
export const superPackets: PartRuntime = {
  traffic: {
    superPackets: (world: World, name: string, spec: Traffic): RunningTraffic => {
      if (spec.superPackets === undefined) throw new SevilleError("ERR_SCENARIO_PART", "traffic without superPackets");
      return new SuperPackets(world, name, spec.superPackets);
    },
  },
};

class SuperPackets implements RunningTraffic {
  readonly #world: World;
  readonly #name: string;
  readonly #spec: TrafficSuperPackets;
  readonly #meter: NicMeter;
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
    this.#meter = meterOf(world).watch(hostOf(world, from).interfaces.named(nic).device as unknown as Nic);
    this.#tapWire(`${from}:${nic}`);
    listen(hostOf(world, to));
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
    const inner: InnerPacket = { protocol, payload: protocol === "sctp" ? segment : payload, segment };
    const frames: Uint8Array[] = [];
    this.#frames = frames;
    const reading = this.#meter.begin();
    this.#meter.send(reading, () => {
      if (!sendInner(host, destination, inner)) this.#world.warn(`traffic ${this.#name}: ${what} found no way`);
    });
    const interfaces = this.#world.scenario.hosts[from]?.interfaces ?? {};
    const sent = {
      name: this.#name,
      from,
      profile: interfaces[nic]?.nic ?? "none",
      via: iface,
      tunnel: describe(interfaces, iface),
      inner: what,
      payload: inner.payload,
    };
    this.#conclude = () => this.#results.push({ ...sent, ...judge(inner, frames, reading) });
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

  #tapWire(endpoint: string): void {
    const { link, ends } = linkAt(this.#world, endpoint);
    const direction = ends[0] === endpoint ? "aToB" : "bToA";
    link.tap({
      frame: (from, point, frame) => {
        if (from === direction && point === "sent") this.#frames.push(frame.bytes().slice());
      },
    });
  }
}

function meterOf(world: World): ChecksumMeter {
  let meter = meters.get(world);
  if (meter === undefined) {
    meter = new ChecksumMeter(world.pool);
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

/** Takes what arrives, so that nobody answers that there is nobody. */
function listen(host: Host): void {
  for (const number of [6, 132]) {
    if (host.ipv4.protocols.has(number)) continue;
    host.registerProtocol(number, { name: "sink", receive: (packet) => packet.release() });
  }
  if (host.udp.at(INNER_PORT).length > 0) return;
  const socket = openUdp(host, { family: 6 });
  socket.bind({ port: INNER_PORT });
  socket.onReadable = () => {
    while (socket.recv() !== undefined);
  };
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
    kinds.push([tunnel.kind, ...marks.filter((mark) => mark !== "")].join("+"));
    const { local } = tunnel;
    tunnel = Object.values(interfaces).find(({ addresses = [] }) =>
      addresses.some((address) => address.split("/")[0] === local),
    )?.tunnel;
  }
  return kinds.length === 0 ? "none" : kinds.join(" in ");
}
