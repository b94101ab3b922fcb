import { unsupported, type DropReason, type Nanos } from "@seville/core";
import type { IpAddress, Packet } from "@seville/packet";
import { TunnelEndpoint, type Preset, type Tunnel } from "@seville/tunnel-encap";
import { sixToFourRemote } from "@seville/tunnel-encap/6to4";
import { Delivery } from "../device/delivery.ts";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, type NetDevice } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { tellUnreachable, UnderlayErrors } from "./link-failure.ts";
import { tunnelsOf, type TunnelReceiver } from "./registry.ts";
import { shapeOf } from "./shape.ts";
import { countRxFailure, countTxFailure } from "./statistics.ts";
import { fitsPath } from "./too-big.ts";
import { routeUnderlay, sendOuter, type Underlay } from "./underlay.ts";

/** What a tunnel device is told beside its configuration. */
export interface TunnelDeviceOptions {
  /** Interface of the host by which outer packets must leave: `dev` of `ip link`. Default: as routes say. */
  readonly dev?: string;
  /** Whose defaults. Default `linux`. */
  readonly preset?: Preset;
}

/** Room for the link's header in front of the outer one. */
const LINK_HEADROOM = 16;

/**
 * A tunnel of `host` as a device, for `host.interfaces.add`: `ip link add … type vxlan|geneve|gre|gretap|erspan|nvgre|ipip|sit|6to4|ip6tnl`.
 * It wraps what is sent, and sends it by the IP layer once more; what comes in for it is unwrapped and received.
 *
 * @throws SevilleError `ERR_INVALID_ARGUMENT` for a configuration that contradicts itself, `ENODEV` for a `dev` that is not
 *   there, `ERR_UNSUPPORTED` for a tunnel without a remote end (but 6to4, whose packets name it)
 */
export function createTunnel(host: Host, tunnel: Tunnel, options: TunnelDeviceOptions = {}): TunnelDevice {
  return new TunnelDevice(host, tunnel, options);
}

export class TunnelDevice implements NetDevice, TunnelReceiver {
  readonly endpoint: TunnelEndpoint;
  readonly kind: string;
  readonly type: number;
  readonly flags: number;
  /** Wrapping passes super-packets and unfinished checksums on: the device below finishes both (T7, T14). */
  readonly features: number = NETIF_F_HW_CSUM | NETIF_F_GSO;
  readonly hardHeaderLength: number;
  readonly neededHeadroom: number;
  readonly mtu: number;
  readonly minMtu = 68;
  readonly maxMtu: number;
  readonly carrier = true;
  /** Sees each packet that was unwrapped before the stack reads it, and may move its bytes: for models of alignment. */
  onDecapsulated: ((packet: Packet) => void) | undefined = undefined;
  readonly #host: Host;
  readonly #oif: number;
  readonly #errors = new UnderlayErrors();
  readonly #replies: Delivery;
  #iface: NetInterface | undefined = undefined;

  /** @internal See {@link createTunnel}. */
  constructor(host: Host, tunnel: Tunnel, { dev, preset = "linux" }: TunnelDeviceOptions) {
    if (tunnel.remote === undefined && tunnel.kind !== "6to4") {
      throw unsupported("a tunnel device without a remote end", "say the address of the other end as remote");
    }
    this.#host = host;
    this.#oif = dev === undefined ? 0 : host.interfaces.named(dev).ifindex;
    this.endpoint = new TunnelEndpoint(tunnel, tunnelsOf(host).context, preset);
    const shape = shapeOf(host, this.endpoint, this.#oif);
    this.kind = shape.kind;
    this.type = shape.type;
    this.flags = shape.flags;
    this.hardHeaderLength = shape.hardHeaderLength;
    this.mtu = shape.mtu;
    this.maxMtu = shape.maxMtu;
    this.neededHeadroom = this.endpoint.overhead.headroom + LINK_HEADROOM;
    this.#replies = new Delivery(host.scheduler, (packet, now) => this.#iface?.receive(packet, now));
  }

  attach(iface: NetInterface): void {
    this.#iface = iface;
  }

  open(): void {
    tunnelsOf(this.#host).add(this);
  }

  stop(): void {
    tunnelsOf(this.#host).remove(this);
  }

  /** Wraps a packet, `data` at its Ethernet header or at its network header, and sends it (`ip_tunnel_xmit`, `vxlan_xmit_one`). */
  transmit(packet: Packet, now: Nanos): void {
    const iface = this.#iface as NetInterface;
    const remote = this.#remoteOf(packet);
    if (remote === undefined) {
      this.#fail(packet, "IP_INVALID_DEST");
      return;
    }
    const { local } = this.endpoint.tunnel;
    const query = { local, remote, oif: this.#oif, mark: packet.mark, protocol: this.#outerProtocol(packet) };
    const underlay = routeUnderlay(this.#host, query);
    if (typeof underlay === "string") {
      tellUnreachable(iface, packet);
      this.#fail(packet, "IP_OUTNOROUTES");
      return;
    }
    // Routed into itself: every turn would wrap it once more (T15).
    if (underlay.out === iface) {
      this.#fail(packet, "RECURSION_LIMIT");
      return;
    }
    if (!fitsPath(iface, this.endpoint, packet, underlay.mtu, this.#replies)) {
      this.#fail(packet, "PKT_TOO_BIG");
      return;
    }
    if (this.#errors.take(now)) tellUnreachable(iface, packet);
    this.#wrap(packet, underlay, remote, now);
  }

  /** A packet of this tunnel came in, `data` behind its outer IP header. */
  receiveOuter(packet: Packet, now: Nanos): void {
    const iface = this.#iface as NetInterface;
    const reason = this.endpoint.decapsulate(packet);
    if (reason !== undefined) {
      countRxFailure(iface.stats, this.endpoint, reason);
      this.#host.drop(packet, reason, iface);
      return;
    }
    this.onDecapsulated?.(packet);
    iface.receive(packet, now);
  }

  underlayError(error: IcmpError, now: Nanos): void {
    this.#errors.note(error, now);
  }

  #remoteOf(packet: Packet): IpAddress | undefined {
    const { tunnel } = this.endpoint;
    if (tunnel.kind !== "6to4") return tunnel.remote;
    return sixToFourRemote(packet, typeof tunnel.remote === "number" ? tunnel.remote : undefined);
  }

  #outerProtocol(packet: Packet): number {
    const { encapsulation, policy } = this.endpoint;
    return policy.destinationPort === 0 ? encapsulation.ipProtocol(packet.protocol) : 17;
  }

  #wrap(packet: Packet, { hop, hopLimit }: Underlay, remote: IpAddress, now: Nanos): void {
    const timestamp = Math.floor(now / 100_000);
    const result = this.endpoint.encapsulate(packet, { hopLimit, remote, timestamp, linkHeadroom: LINK_HEADROOM });
    if (result === "ok") {
      sendOuter(this.#host, packet, hop, remote);
      return;
    }
    if (result !== "segment") {
      this.#fail(packet, result);
      return;
    }
    // Wrapped once already: only two levels of headers can be described to a device (T14).
    const segments = this.#host.segmenter?.(packet);
    if (segments === undefined) {
      this.#fail(packet, "PKT_TOO_BIG");
      return;
    }
    for (const segment of segments) this.transmit(segment, now);
  }

  #fail(packet: Packet, reason: DropReason): void {
    const iface = this.#iface as NetInterface;
    countTxFailure(iface.stats, reason, packet);
    this.#host.drop(packet, reason, iface);
  }
}
