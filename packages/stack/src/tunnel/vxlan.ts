import type { DropReason, Nanos } from "@seville/core";
import { isMulticast, type IpAddress, type Packet } from "@seville/packet";
import type { OuterPath, TunnelEndpoint } from "@seville/tunnel-encap";
import { VxlanDevice, type VxlanDeviceConfig } from "@seville/tunnel-encap/vxlan-device";
import { Delivery } from "../device/delivery.ts";
import type { Host } from "../host/host.ts";
import type { LinkStats } from "../interface/link-stats.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, type NetDevice } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { openUdp } from "../socket/open.ts";
import type { UdpSocket } from "../udp/udp-socket.ts";
import { tunnelsOf, type TunnelReceiver } from "./registry.ts";
import { shapeOf } from "./shape.ts";
import { countRxFailure } from "./statistics.ts";
import { fitsPath } from "./too-big.ts";
import { routeUnderlay, sendOuter, type Underlay } from "./underlay.ts";

/** A VXLAN with several ends: what `ip link add … type vxlan` and `bridge fdb` say of it. */
export type VxlanNetworkConfig = Omit<VxlanDeviceConfig, "address">;

const LINK_HEADROOM = 16;
const IPPROTO_UDP = 17;

/**
 * A VXLAN of `host` with a forwarding database, for `host.interfaces.add`: it learns behind which end a station is, sends
 * what is for all to a group or to every end of a list (ingress replication), and answers for known neighbours.
 * `device.engine.fdb` is what `bridge fdb` works on.
 *
 * @param options `dev`: interface of the underlay; a group needs it
 * @throws SevilleError `ERR_INVALID_ARGUMENT`, `ENODEV`
 */
export function createVxlan(
  host: Host,
  config: VxlanNetworkConfig,
  options: { readonly dev?: string } = {},
): VxlanNetwork {
  return new VxlanNetwork(host, config, options.dev);
}

export class VxlanNetwork implements NetDevice, TunnelReceiver {
  readonly engine: VxlanDevice;
  readonly kind = "vxlan";
  readonly type: number;
  readonly flags: number;
  readonly features: number = NETIF_F_HW_CSUM | NETIF_F_GSO;
  readonly hardHeaderLength: number;
  readonly neededHeadroom: number;
  readonly mtu: number;
  readonly minMtu = 68;
  readonly maxMtu: number;
  readonly carrier = true;
  readonly #host: Host;
  readonly #dev: string | undefined;
  readonly #oif: number;
  readonly #groups: readonly IpAddress[];
  #membership: UdpSocket | undefined = undefined;
  readonly #replies: Delivery;
  #iface: NetInterface | undefined = undefined;
  #receiving = false;

  /** @internal See {@link createVxlan}. */
  constructor(host: Host, config: VxlanNetworkConfig, dev: string | undefined) {
    this.#host = host;
    this.#dev = dev;
    this.#oif = dev === undefined ? 0 : host.interfaces.named(dev).ifindex;
    this.#groups = (config.remotes ?? []).map(({ ip }) => ip).filter((ip) => isMulticast(ip));
    const macOf = (): number => this.#iface?.mac ?? 0;
    const live: VxlanDeviceConfig = {
      ...config,
      // The interface's, which can change.
      get address() {
        return macOf();
      },
    };
    this.engine = new VxlanDevice(live, tunnelsOf(host).context, host.now);
    this.engine.onDrop = (packet, reason) => this.#noteDrop(packet, reason);
    this.engine.onRoute = (packet, remote) => this.#route(packet, remote);
    this.#replies = new Delivery(host.scheduler, (packet, now) => this.#iface?.receive(packet, now));
    const shape = shapeOf(host, this.endpoint, this.#oif);
    this.type = shape.type;
    this.flags = shape.flags;
    this.hardHeaderLength = shape.hardHeaderLength;
    this.mtu = shape.mtu;
    this.maxMtu = shape.maxMtu;
    this.neededHeadroom = this.endpoint.overhead.headroom + LINK_HEADROOM;
  }

  get endpoint(): TunnelEndpoint {
    return this.engine.endpoint;
  }

  attach(iface: NetInterface): void {
    this.#iface = iface;
  }

  open(): void {
    tunnelsOf(this.#host).add(this);
    const [first] = this.#groups;
    if (first === undefined) return;
    this.#membership = openUdp(this.#host, { family: typeof first === "number" ? 4 : 6 });
    for (const group of this.#groups) {
      this.#membership.join(this.#dev === undefined ? { group } : { group, interface: this.#dev });
    }
  }

  stop(): void {
    tunnelsOf(this.#host).remove(this);
    this.#membership?.close();
    this.#membership = undefined;
    this.engine.close();
  }

  transmit(packet: Packet, now: Nanos): void {
    this.#receiving = false;
    this.engine.handle(packet, { from: "bridge" }, now);
    this.#drain(now);
  }

  receiveOuter(packet: Packet, now: Nanos): void {
    this.#receiving = true;
    this.engine.handle(packet, { from: "underlay" }, now);
    this.#drain(now);
  }

  /** Stations move and groups have no one end: an error about a datagram says nothing of the next one. */
  underlayError(): void {
    // The registry has learned the path MTU.
  }

  #drain(now: Nanos): void {
    for (let output = this.engine.poll(); output !== undefined; output = this.engine.poll()) {
      const { packet } = output;
      if (output.to === "underlay") sendOuter(this.#host, packet, (output.path as Way).underlay.hop, output.remote);
      else (this.#iface as NetInterface).receive(packet, now);
    }
  }

  /** The way of a copy to `remote`, or why it cannot go (`vxlan_xmit_one`). */
  #route(packet: Packet, remote: IpAddress): Way | DropReason {
    const iface = this.#iface as NetInterface;
    const { local } = this.endpoint.tunnel;
    const query = { local, remote, oif: this.#oif, mark: packet.mark, protocol: IPPROTO_UDP };
    const underlay = routeUnderlay(this.#host, query);
    if (typeof underlay === "string") return "IP_OUTNOROUTES";
    // Routed into itself: every turn would wrap it once more (T15).
    if (underlay.out === iface) return "RECURSION_LIMIT";
    if (!fitsPath(iface, this.endpoint, packet, underlay.mtu, this.#replies)) return "PKT_TOO_BIG";
    return { hopLimit: underlay.hopLimit, linkHeadroom: LINK_HEADROOM, underlay };
  }

  /** The engine gives the packet back itself. */
  #noteDrop(packet: Packet, reason: DropReason): void {
    const iface = this.#iface as NetInterface;
    if (!this.#receiving) countTx(iface.stats, reason);
    else if (STATION_REASONS.has(reason)) iface.stats.rx_dropped++;
    else countRxFailure(iface.stats, this.endpoint, reason);
    this.#host.drops.note(packet, reason, iface);
  }
}

/** The way of one copy, which {@link VxlanDevice} gives back with it. */
interface Way extends OuterPath {
  readonly underlay: Underlay;
}

/** Counts a frame, or one of its copies, that is not sent (`vxlan_xmit`, `vxlan_xmit_one`). */
function countTx(stats: LinkStats, reason: DropReason): void {
  if (reason === "IP_OUTNOROUTES") stats.tx_carrier_errors++;
  else if (reason === "RECURSION_LIMIT") stats.collisions++;
  else if (reason !== "PKT_TOO_BIG") {
    stats.tx_dropped++;
    return;
  }
  stats.tx_errors++;
}

/** Frames that are right and come from where they cannot (`vxlan_set_mac`, `vxlan_snoop`). */
const STATION_REASONS: ReadonlySet<DropReason> = new Set(["MAC_INVALID_SOURCE", "LOCAL_MAC", "VXLAN_ENTRY_EXISTS"]);
