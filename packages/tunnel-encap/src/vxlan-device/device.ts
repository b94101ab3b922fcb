import { seconds, type DropReason, type Engine, type Nanos } from "@seville/core";
import {
  ethernet,
  isMulticastMac,
  isStationMac,
  ZERO_MAC,
  type IpAddress,
  type MacAddress,
  type Packet,
} from "@seville/packet";
import type { VxlanTunnel } from "../tunnel/config.ts";
import type { TunnelContext } from "../tunnel/context.ts";
import { TunnelEndpoint } from "../tunnel/endpoint.ts";
import type { OuterPath } from "../tunnel/path.ts";
import type { TunnelStats } from "../tunnel/stats.ts";
import type { VxlanDeviceConfig, VxlanEvent, VxlanMeta, VxlanOutput, VxlanRemote } from "./config.ts";
import { Fdb } from "./fdb.ts";
import { answerSolicitation, solicitedAddress } from "./suppress.ts";

/** Events that wait for a reader; further ones are counted and forgotten. */
const MAX_EVENTS = 1024;
const NO_REMOTES: readonly VxlanRemote[] = [];

/**
 * A VXLAN device as an engine: frames of a bridge go out to the end of the overlay where their station was last seen, or to
 * all; datagrams come in and tell who is where (drivers/net/vxlan/vxlan_core.c).
 *
 * `handle` takes the packets that it is given. What to forget is told to {@link VxlanDevice.onDrop}.
 */
export class VxlanDevice implements Engine<Packet, VxlanMeta, VxlanOutput, VxlanEvent> {
  readonly config: VxlanDeviceConfig;
  readonly endpoint: TunnelEndpoint;
  readonly fdb: Fdb;
  /** Is told of each frame that goes no further, before its memory is given back. */
  onDrop: ((packet: Packet, reason: DropReason) => void) | undefined = undefined;
  /**
   * Asked of each copy, unwrapped, before it goes to `remote`: what is known of the way there, or why it cannot go. It may tell the
   * frame's source, of a path MTU for one. Default: nothing is known of any way.
   */
  onRoute: ((packet: Packet, remote: IpAddress) => OuterPath | DropReason) | undefined = undefined;
  /** Events that nobody fetched in time. */
  lostEvents = 0;
  /** IP to Ethernet address: for ARP and ND suppression. */
  readonly #neighbours = new Map<IpAddress, MacAddress>();
  readonly #outputs: VxlanOutput[] = [];
  readonly #events: VxlanEvent[] = [];

  constructor(config: VxlanDeviceConfig, context: TunnelContext, now: Nanos = 0) {
    this.config = config;
    const { remotes, preset } = config;
    const tunnel: VxlanTunnel = { ...config, kind: "vxlan" };
    this.endpoint = new TunnelEndpoint(tunnel, context, preset);
    this.fdb = new Fdb(config.ageing ?? seconds(300), config.maxaddr ?? 0);
    for (const remote of remotes ?? []) this.fdb.append(ZERO_MAC, remote, now);
  }

  get stats(): Readonly<TunnelStats> {
    return this.endpoint.stats;
  }

  /** A neighbour for whom solicitations are answered here; `undefined` forgets it. */
  setNeighbour(ip: IpAddress, mac: MacAddress | undefined): void {
    if (mac === undefined) this.#neighbours.delete(ip);
    else this.#neighbours.set(ip, mac);
  }

  handle(packet: Packet, { from }: VxlanMeta, now: Nanos): void {
    this.handleTimeout(now);
    if (from === "bridge") this.#transmit(packet, now);
    else this.#receive(packet, now);
  }

  handleTimeout(now: Nanos): void {
    this.fdb.age(now, (mac) => this.#tell({ type: "aged", mac }));
  }

  poll(): VxlanOutput | undefined {
    return this.#outputs.shift();
  }

  pollEvent(): VxlanEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Nanos {
    return this.fdb.deadline;
  }

  /** Gives back what nobody polled. */
  close(): void {
    for (const { packet } of this.#outputs.splice(0)) packet.release();
    this.fdb.flush();
  }

  #transmit(packet: Packet, now: Nanos): void {
    if (!packet.mayPull(ethernet.HEADER_LENGTH)) {
      this.#dropTx(packet, "PKT_TOO_SMALL");
      return;
    }
    if (this.#isSuppressed(packet, now)) return;
    const { view } = packet.pool.memory;
    const destination = ethernet.destination(view, packet.data);
    const known = this.fdb.find(destination, now) ?? this.fdb.find(ZERO_MAC, now);
    if (known === undefined && this.config.l2miss === true && !isMulticastMac(destination)) {
      this.#tell({ type: "l2miss", mac: destination });
    }
    this.#replicate(packet, known?.remotes ?? NO_REMOTES);
  }

  /** Sends a copy to each remote; the last one gets the packet itself. */
  #replicate(packet: Packet, remotes: readonly VxlanRemote[]): void {
    const last = remotes.length - 1;
    if (last < 0) {
      this.#dropTx(packet, "VXLAN_NO_REMOTE");
      return;
    }
    remotes.forEach((remote, i) => {
      const copy = i === last ? packet : packet.clone();
      const path = this.onRoute?.(copy, remote.ip);
      if (typeof path === "string") {
        this.#dropTx(copy, path);
        return;
      }
      const result = this.endpoint.encapsulate(copy, {
        ...path,
        remote: remote.ip,
        id: remote.vni,
        dstport: remote.port,
      });
      if (result === "ok") this.#outputs.push({ to: "underlay", packet: copy, remote: remote.ip, path });
      // Wrapped before, and not segmented by whoever handed it in: it cannot be described (T14).
      else this.#drop(copy, result === "segment" ? "PKT_TOO_BIG" : result);
    });
  }

  /** Answers a solicitation for a neighbour that is known; the packet is gone then. */
  #isSuppressed(packet: Packet, now: Nanos): boolean {
    const { proxy, neighSuppress, l3miss } = this.config;
    if (proxy !== true && neighSuppress !== true) return false;
    const asked = solicitedAddress(packet);
    if (asked === undefined) return false;
    const mac = this.#neighbours.get(asked);
    if (mac === undefined) {
      if (l3miss === true) this.#tell({ type: "l3miss", ip: asked });
      if (neighSuppress === true) return false;
      this.#drop(packet, "NEIGH_FAILED");
      return true;
    }
    this.fdb.find(mac, now);
    const answer = answerSolicitation(this.endpoint.context.kernels, packet, mac);
    if (answer === undefined) {
      this.#dropTx(packet, "NOMEM");
      return true;
    }
    packet.release();
    this.#outputs.push({ to: "bridge", packet: answer });
    return true;
  }

  #receive(packet: Packet, now: Nanos): void {
    const reason = this.endpoint.decapsulate(packet) ?? this.#admit(packet, now);
    if (reason === undefined) this.#outputs.push({ to: "bridge", packet });
    else this.#drop(packet, reason);
  }

  /** Whether a frame that came in belongs here (`vxlan_rcv`, `vxlan_set_mac`), and what is learned from it. */
  #admit(packet: Packet, now: Nanos): DropReason | undefined {
    const { info } = this.endpoint;
    if (info.id !== this.config.id) return this.#refuse("VXLAN_VNI_NOT_FOUND");
    if (!info.isEthernet) return undefined;
    const source = ethernet.source(packet.pool.memory.view, packet.data);
    if (!isStationMac(source)) return this.#refuse("MAC_INVALID_SOURCE");
    if (source === this.config.address) return this.#refuse("LOCAL_MAC");
    // The sender asks that nobody learns from it (draft-smith-vxlan-group-policy §2.1).
    if (this.config.learning === false || info.gbp?.dontLearn === true) return undefined;
    const result = this.fdb.learn(source, info.source, now);
    if (result === "refused") return this.#refuse("VXLAN_ENTRY_EXISTS");
    if (result === "learned" || result === "moved") this.#tell({ type: result, mac: source, remote: info.source });
    return undefined;
  }

  /** It was counted as received when it was unwrapped. */
  #refuse(reason: DropReason): DropReason {
    this.endpoint.stats.rxPackets--;
    this.endpoint.stats.rxDropped++;
    return reason;
  }

  #dropTx(packet: Packet, reason: DropReason): void {
    this.endpoint.stats.txDropped++;
    this.#drop(packet, reason);
  }

  #drop(packet: Packet, reason: DropReason): void {
    this.onDrop?.(packet, reason);
    packet.release();
  }

  #tell(event: VxlanEvent): void {
    if (this.#events.length < MAX_EVENTS) this.#events.push(event);
    else this.lostEvents++;
  }
}
