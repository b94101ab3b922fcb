import {
  simulatedSecrets,
  type DropReason,
  type Nanos,
  type PacketMemory,
  type Random,
  type Scheduler,
  type SecretRandom,
} from "@seville/core";
import type { Packet, PacketPool } from "@seville/packet";
import { Interfaces } from "../interface/interfaces.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { Ipv4Layer } from "../ipv4/layer.ts";
import { Ipv6Layer } from "../ipv6/layer.ts";
import { NetfilterHooks } from "../netfilter/hooks.ts";
import { AlignmentTraps } from "./alignment.ts";
import { DropLog } from "./drop-log.ts";
import { createMib, type Mib } from "./mib.ts";
import { Notifier } from "./notifier.ts";
import type { EtherTypeHandler, TransportProtocol } from "./protocols.ts";
import type { LinkLayers } from "../neighbour/install.ts";
import type { PingTable } from "../ping/install.ts";
import type { RawTable } from "../raw/install.ts";
import { UdpTable } from "../udp/udp-table.ts";
import { defineHostSysctls } from "./host-sysctls.ts";
import { SysctlTable } from "./sysctl-table.ts";
import { Taps } from "./taps.ts";

/** How the host's processor takes misaligned words: `strict-align` traps ({@link AlignmentTraps}). */
export type Arch = "x86" | "strict-align";

export interface HostOptions {
  readonly name: string;
  readonly scheduler: Scheduler;
  /** Where packets live; all hosts of a world share one. */
  readonly pool: PacketPool;
  /** The host forks its own streams from it, by name. */
  readonly random: Random;
  /** For what others must not guess: identifications, ports, keys. Default: drawn from `random`, which only a simulation may do. */
  readonly secretRandom?: SecretRandom;
  /** Default `x86`. `strict-align` needs a pool with `strictAlign`. */
  readonly arch?: Arch;
  /** Values other than the kernel's defaults, such as `{"net.ipv4.ip_forward": 1}`; text as sysctl(8) takes it. */
  readonly sysctls?: Readonly<Record<string, number | string>>;
}

/** `net.core.*` that matter here; bytes. */
export interface CoreSysctls {
  rmem_default: number;
  rmem_max: number;
  wmem_default: number;
  wmem_max: number;
}

/** Splits a super-packet into packets no longer than its `gsoSize` says, and takes it; `undefined`: it could not. */
export type Segmenter = (packet: Packet) => readonly Packet[] | undefined;

/**
 * A host: what Linux calls a network namespace. Made by `createHost`, which also installs the protocols.
 *
 * It owns no time and no wire: a {@link Scheduler} drives it and devices bring it packets.
 */
export class Host {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly pool: PacketPool;
  readonly memory: PacketMemory;
  readonly random: Random;
  readonly secretRandom: SecretRandom;
  /** @internal Draws ephemeral ports. */
  readonly portRandom: Random;
  /** @internal Seeds the choice among next hops while `fib_multipath_hash_seed` is 0. */
  readonly multipathSeed: number;
  readonly arch: Arch;
  /** Traps of a `strict-align` processor; an x86 has none. */
  readonly alignment: AlignmentTraps | undefined;
  readonly mib: Mib = createMib();
  readonly drops: DropLog = new DropLog();
  readonly taps: Taps = new Taps();
  readonly notifier: Notifier = new Notifier();
  readonly hooks: NetfilterHooks;
  readonly sysctls: SysctlTable;
  readonly core: CoreSysctls = { rmem_default: 212_992, rmem_max: 212_992, wmem_default: 212_992, wmem_max: 212_992 };
  readonly ipv4: Ipv4Layer;
  readonly ipv6: Ipv6Layer;
  readonly interfaces: Interfaces = new Interfaces(this);
  /** Who takes packets of which EtherType. */
  readonly etherTypes: Map<number, EtherTypeHandler> = new Map<number, EtherTypeHandler>();
  /** Neighbours, routers and groups on the links; `createHost` sets it. */
  links: LinkLayers | undefined = undefined;
  readonly udp: UdpTable = new UdpTable();
  /** Raw and ping sockets; `createHost` sets them. */
  raw: RawTable | undefined = undefined;
  ping: PingTable | undefined = undefined;
  /** TCP; `@seville/stack/tcp` sets it. */
  tcp: { close(): void } | undefined = undefined;
  /** Settings given to the host whose protocol is not there yet. */
  readonly laterSettings: Map<string, string> = new Map<string, string>();
  /** Splits super-packets for devices that cannot; the segmentation package sets it. */
  segmenter: Segmenter | undefined = undefined;
  /** Sockets opened now are bound to this device: how a task runs in a VRF. 0: none. */
  defaultBoundDevice = 0;
  /** @internal Devices that are sending at the moment, one inside the other. */
  xmitDepth = 0;
  #loopback: NetInterface | undefined = undefined;

  constructor(options: HostOptions) {
    this.name = options.name;
    this.scheduler = options.scheduler;
    this.pool = options.pool;
    this.memory = options.pool.memory;
    this.random = options.random.fork(`host/${options.name}`);
    this.secretRandom = options.secretRandom ?? simulatedSecrets(this.random.fork("secrets"));
    this.portRandom = this.random.fork("ports");
    this.multipathSeed = this.random.fork("multipath").uint32();
    this.arch = options.arch ?? "x86";
    this.alignment = this.arch === "strict-align" ? new AlignmentTraps(options.pool) : undefined;
    this.sysctls = new SysctlTable((name) => this.notifier.notify({ type: "sysctl", name }, this.now));
    this.hooks = new NetfilterHooks((packet, iface) => this.drop(packet, "NETFILTER_DROP", iface));
    this.ipv4 = new Ipv4Layer(this);
    this.ipv6 = new Ipv6Layer(this);
    defineHostSysctls(this);
    applySettings(this, options.sysctls ?? {});
  }

  /** `lo`: every host has it, as interface 1. */
  get loopback(): NetInterface {
    if (this.#loopback === undefined) this.#loopback = this.interfaces.named("lo");
    return this.#loopback;
  }

  get now(): Nanos {
    return this.scheduler.now;
  }

  /** Loses `packet`: counts it under `reason` for the host and for `iface`, tells the listeners, releases it. */
  drop(packet: Packet, reason: DropReason, iface?: NetInterface): void {
    this.drops.drop(packet, reason, iface);
  }

  /**
   * Plugs a transport protocol in for packets with protocol number (or last next-header) `number`.
   * `families`: for IPv4, IPv6 or, by default, both. Answers the function that takes it out.
   */
  registerProtocol(number: number, protocol: TransportProtocol, families: readonly (4 | 6)[] = [4, 6]): () => void {
    const maps = families.map((family) => (family === 4 ? this.ipv4.protocols : this.ipv6.protocols));
    for (const map of maps) map.set(number, protocol);
    return () => {
      for (const map of maps) if (map.get(number) === protocol) map.delete(number);
    };
  }
}

/** A setting of an interface that is not there yet waits for it. */
function applySettings(host: Host, settings: Readonly<Record<string, number | string>>): void {
  const waiting = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    if (/^net\.(ipv4\.tcp_|core\.somaxconn$)/.test(name)) {
      host.laterSettings.set(name, String(value));
      continue;
    }
    const ifname = /^net\.ipv[46]\.(?:conf|neigh)\.(.+)\.[^.]+$/.exec(name)?.[1];
    if (ifname === undefined || ifname === "all" || ifname === "default") host.sysctls.setText(name, String(value));
    else waiting.set(name, String(value));
  }
  host.notifier.listen((event) => {
    if (event.type !== "interface-added") return;
    for (const [name, text] of waiting) {
      if (!name.includes(`.${event.iface.name}.`)) continue;
      waiting.delete(name);
      host.sysctls.setText(name, text);
    }
  });
}
