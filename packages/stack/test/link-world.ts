import { readFileSync } from "node:fs";
import { fold, pseudoHeader6At } from "@seville/checksum";
import { createRandom, millis, type DropReason, type Nanos } from "@seville/core";
import {
  ETH_P_IP,
  ETH_P_IPV6,
  formatMac,
  icmpv6,
  ipv4,
  ipv6,
  IPPROTO_ICMPV6,
  PacketPool,
  parseIpv4,
  parseIpv6,
  parseMac,
  readIpv6,
  type Ipv6Address,
  type nd,
  type Packet,
} from "@seville/packet";
import { bindChecksum } from "@seville/checksum";
import { Simulator } from "@seville/sim";
import { Host } from "../src/host/host.ts";
import { addAddress4, installAddresses4 } from "../src/interface/addresses4.ts";
import { addAddress6, installAddresses6 } from "../src/interface/addresses6.ts";
import { ARPHRD_ETHER, IFF_BROADCAST, IFF_MULTICAST } from "../src/interface/flags.ts";
import { IFA_F_NODAD } from "../src/interface/interface-address.ts";
import type { NetDevice } from "../src/interface/net-device.ts";
import type { NetInterface } from "../src/interface/net-interface.ts";
import { installLinkLayers, type LinkLayers } from "../src/neighbour/install.ts";

export const HOST_MAC = "02:00:00:00:00:01";
export const PEER_MAC = "02:00:00:00:00:99";
export const OTHER_MAC = "02:00:00:00:00:77";

/** A frame that the host sent, and when, in milliseconds. */
export interface SentFrame {
  readonly ms: number;
  readonly bytes: Uint8Array;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly sysctls?: Readonly<Record<string, number | string>>;
  readonly up?: boolean;
  readonly mtu?: number;
}

/** A host with one Ethernet interface `eth0`, whose wire ends in the test. */
export class LinkWorld {
  readonly sim: Simulator;
  readonly pool: PacketPool = new PacketPool({ small: 512, jumbo: 8, super: 2, wasm: false });
  readonly host: Host;
  readonly iface: NetInterface;
  readonly layers: LinkLayers;
  readonly sent: SentFrame[] = [];
  readonly drops: DropReason[] = [];
  /** Packets whose next hop did not answer, by their number of bytes. */
  readonly unreachable: number[] = [];
  carrier = true;

  constructor(options: WorldOptions = {}) {
    const random = createRandom(options.seed ?? 7);
    this.sim = new Simulator({ random });
    this.host = new Host({ name: "h", scheduler: this.sim, pool: this.pool, random });
    this.host.drops.listen((_packet, reason) => this.drops.push(reason));
    installAddresses4(this.host);
    installAddresses6(this.host);
    this.layers = installLinkLayers(this.host, (packet, dev) => {
      this.unreachable.push(packet.length);
      this.host.drop(packet, "NEIGH_FAILED", dev);
    });
    this.host.etherTypes.set(ETH_P_IPV6, (packet, dev, now) => {
      this.#dispatch6(packet, dev, now);
    });
    this.host.etherTypes.set(ETH_P_IP, (packet, dev, now) => {
      this.#dispatch4(packet, dev, now);
    });
    this.iface = this.host.interfaces.add(this.#device(), { name: "eth0", mac: parseMac(HOST_MAC) });
    if (options.mtu !== undefined) this.host.interfaces.setMtu(this.iface, options.mtu);
    for (const [name, value] of Object.entries(options.sysctls ?? {})) this.host.sysctls.setText(name, String(value));
    if (options.up !== false) this.up();
  }

  up(): void {
    this.host.interfaces.setUp(this.iface);
  }

  down(): void {
    this.host.interfaces.setDown(this.iface);
  }

  get now(): Nanos {
    return this.sim.now;
  }

  /** Lets `ms` milliseconds pass. */
  run(ms: number): void {
    this.sim.run({ until: this.sim.now + millis(ms) });
  }

  addV4(text: string): void {
    const [address = "", length = "24"] = text.split("/");
    addAddress4(this.iface, { address: parseIpv4(address), prefixLength: Number(length) });
  }

  addV6(text: string, nodad = true): void {
    const [address = "", length = "64"] = text.split("/");
    addAddress6(this.iface, {
      address: parseIpv6(address),
      prefixLength: Number(length),
      flags: nodad ? IFA_F_NODAD : 0,
    });
  }

  /** A frame comes in from the wire. */
  receive(frame: Uint8Array | string): void {
    const bytes = typeof frame === "string" ? fromHex(frame) : frame;
    const packet = this.pool.from(bytes);
    if (packet === undefined) throw new Error("the pool is empty");
    this.iface.receive(packet, this.now);
  }

  /** What was sent since the last call. */
  take(wanted: (frame: SentFrame) => boolean = () => true): SentFrame[] {
    return this.sent.splice(0).filter(wanted);
  }

  /** A small IPv4 packet for `to`, as the output path would hand it over. */
  sendV4(to: string, from = "10.9.0.1", bytes = 60): void {
    const packet = this.pool.alloc(bytes) as Packet;
    const at = packet.put(bytes);
    const { view } = this.pool.memory;
    ipv4.write(view, at, {
      totalLength: bytes,
      identification: 1,
      ttl: 64,
      protocol: 17,
      source: parseIpv4(from),
      destination: parseIpv4(to),
    });
    packet.networkHeader = at;
    packet.protocol = ETH_P_IP;
    this.iface.v4.neighbours?.resolveAndSend(parseIpv4(to), packet, this.now);
  }

  sendV6(to: string, from = "2001:db8::1"): void {
    const packet = this.pool.alloc(60) as Packet;
    const at = packet.put(60);
    const { view } = this.pool.memory;
    ipv6.write(view, at, {
      payloadLength: 20,
      nextHeader: 59,
      source: parseIpv6(from),
      destination: parseIpv6(to),
    });
    packet.networkHeader = at;
    packet.protocol = ETH_P_IPV6;
    this.iface.v6.neighbours?.resolveAndSend(parseIpv6(to), packet, this.now);
  }

  /** All memory is back. */
  get inUse(): number {
    return this.pool.stats.inUse;
  }

  #device(): NetDevice {
    const { sent, sim } = this;
    const carrier = (): boolean => this.carrier;
    return {
      kind: "test",
      type: ARPHRD_ETHER,
      flags: IFF_BROADCAST | IFF_MULTICAST,
      features: 0,
      hardHeaderLength: 14,
      neededHeadroom: 0,
      mtu: 1500,
      minMtu: 68,
      maxMtu: 9000,
      get carrier() {
        return carrier();
      },
      attach: () => undefined,
      transmit(packet) {
        sent.push({ ms: sim.now / 1_000_000, bytes: packet.bytes().slice() });
        packet.release();
      },
    };
  }

  /** Stands for IPv6 input: verifies the ICMPv6 checksum and hands the message to its handler. */
  #dispatch6(packet: Packet, dev: NetInterface, now: Nanos): void {
    const { memory } = packet.pool;
    const at = packet.data;
    if (ipv6.check(memory.view, at, packet.tail) !== undefined) {
      this.host.drop(packet, "IP_INHDR", dev);
      return;
    }
    packet.trim(ipv6.HEADER_LENGTH + ipv6.payloadLength(memory.view, at));
    const chain = ipv6.walkExtensions(memory.view, at, packet.tail);
    if (chain.fault !== undefined || chain.protocol !== IPPROTO_ICMPV6 || packet.tail - chain.at < 4) {
      this.host.drop(packet, "IPV6_BAD_EXTHDR", dev);
      return;
    }
    const body = chain.at;
    const length = packet.tail - body;
    const pseudo = pseudoHeader6At(memory.u8, at + 8, at + 24, IPPROTO_ICMPV6, length);
    if (fold(bindChecksum(memory).sum(body, length, pseudo)) !== 0xffff) {
      this.host.drop(packet, "ICMP_CSUM", dev);
      return;
    }
    packet.transportHeader = body;
    packet.pull(body - packet.data);
    const handler = this.host.ipv6.icmpHandlers.get(icmpv6.type(memory.view, body));
    if (handler === undefined) this.host.drop(packet, "UNHANDLED_PROTO", dev);
    else handler(packet, dev, now);
  }

  /** Stands for IPv4 input. */
  #dispatch4(packet: Packet, dev: NetInterface, now: Nanos): void {
    const { view } = packet.pool.memory;
    const at = packet.data;
    if (ipv4.check(view, at, packet.tail) !== undefined) {
      this.host.drop(packet, "IP_INHDR", dev);
      return;
    }
    packet.trim(ipv4.totalLength(view, at));
    packet.transportHeader = at + ipv4.headerLength(view, at);
    packet.pull(packet.transportHeader - at);
    const protocol = this.host.ipv4.protocols.get(ipv4.protocol(view, at));
    if (protocol === undefined) this.host.drop(packet, "IP_NOPROTO", dev);
    else protocol.receive(packet, 4, dev, now);
  }
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What a recorded or sent frame says, for comparison: everything but checksums and nonces. */
export interface Icmp6Frame {
  readonly to: string;
  readonly source: string;
  readonly destination: string;
  readonly hops: number;
  readonly routerAlert: boolean;
  readonly type: number;
  /** ICMPv6 behind the checksum, as hexadecimal digits. */
  readonly body: string;
}

export function icmp6Of(bytes: Uint8Array): Icmp6Frame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 54 || view.getUint16(12) !== ETH_P_IPV6) return undefined;
  const alert = bytes[20] === 0;
  const at = alert ? 62 : 54;
  if ((alert ? bytes[54] : bytes[20]) !== IPPROTO_ICMPV6) return undefined;
  const address = (offset: number): Ipv6Address => readIpv6(view, offset);
  const end = 54 + view.getUint16(18);
  return {
    to: formatMac(view.getUint16(0) * 0x1_0000_0000 + view.getUint32(2)),
    source: address(22).toString(),
    destination: address(38).toString(),
    hops: bytes[21] as number,
    routerAlert: alert,
    type: bytes[at] as number,
    body: toHex(bytes.subarray(at + 4, end)),
  };
}

/** An ICMPv6 message in an Ethernet frame, with a right checksum. */
export function icmp6Frame(given: {
  readonly source: string;
  readonly destination: string;
  readonly body: Uint8Array;
  readonly hops?: number;
  readonly to?: string;
  readonly routerAlert?: boolean;
}): Uint8Array {
  const destination = parseIpv6(given.destination);
  const group = destination.w0 >>> 24 === 0xff;
  const to = given.to ?? (group ? `33:33:${formatMac(destination.w3).slice(6)}` : HOST_MAC);
  const front = given.routerAlert === true ? 62 : 54;
  const frame = new Uint8Array(front + given.body.length);
  const view = new DataView(frame.buffer);
  frame.set(fromHex(to.replaceAll(":", "") + PEER_MAC.replaceAll(":", "") + "86dd"));
  ipv6.write(view, 14, {
    payloadLength: front - 54 + given.body.length,
    nextHeader: given.routerAlert === true ? 0 : IPPROTO_ICMPV6,
    hopLimit: given.hops ?? 255,
    source: parseIpv6(given.source),
    destination,
  });
  if (given.routerAlert === true) frame.set([IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0], 54);
  frame.set(given.body, front);
  frame.set([0, 0], front + 2);
  let sum = 0;
  const add = (from: number, until: number): void => {
    for (let i = from; i < until; i += 2) sum += ((frame[i] as number) << 8) + (frame[i + 1] ?? 0);
  };
  add(22, 54);
  add(front, frame.length);
  sum += IPPROTO_ICMPV6 + given.body.length;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(front + 2, ~sum & 0xffff);
  return frame;
}

/** The bytes of a neighbour discovery message. */
export function ndBody(write: typeof nd.write, lengthOf: typeof nd.lengthOf, message: nd.NdMessage): Uint8Array {
  const bytes = new Uint8Array(lengthOf(message));
  write(new DataView(bytes.buffer), 0, message);
  return bytes;
}

/** An ARP message in a frame. */
export function arpFrame(operation: 1 | 2, sha: string, spa: string, tha: string, tpa: string, to: string): Uint8Array {
  const hex = (mac: string): string => mac.replaceAll(":", "");
  const ip = (text: string): string => parseIpv4(text).toString(16).padStart(8, "0");
  const body = `000108000604000${operation}${hex(sha)}${ip(spa)}${hex(tha)}${ip(tpa)}`;
  return fromHex(`${hex(to)}${hex(sha)}0806${body}`.padEnd(120, "0"));
}

/** What the kernel said: see kernel/record.py. */
export function recorded(name: string): unknown {
  const path = new URL("fixtures/linux-neighbours.json", import.meta.url);
  const all = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  if (!(name in all)) throw new Error(`no recording ${name}: run kernel/record.py`);
  return all[name];
}
