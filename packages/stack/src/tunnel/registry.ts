import { SevilleError, type Nanos } from "@seville/core";
import {
  icmp,
  icmpv6,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  isIpv4,
  type Packet,
} from "@seville/packet";
import { createTunnelContext, type TunnelContext, type TunnelEndpoint } from "@seville/tunnel-encap";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp4 } from "../ipv4/icmp-send.ts";
import { sendIcmp6 } from "../ipv6/icmpv6-send.ts";
import { isTooBig } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { openUdp } from "../socket/open.ts";
import { admitDatagram } from "./udp-input.ts";
import { fits, isSame, readGreKeys, readVni, type OuterKeys } from "./identify.ts";

/** A tunnel device that is up, as the registry sees it. */
export interface TunnelReceiver {
  readonly endpoint: TunnelEndpoint;
  /** Takes a packet, `data` behind its outer IP header. */
  receiveOuter(packet: Packet, now: Nanos): void;
  /** The underlay reports an error about a packet that may have been this tunnel's. */
  underlayError(error: IcmpError, now: Nanos): void;
}

/** Where tunnel packets of one family come in: an IP protocol, or a UDP port. */
interface Entrance {
  readonly receivers: TunnelReceiver[];
  close(): void;
}

/** Where one tunnel's packets come in. */
interface Door {
  readonly family: 4 | 6;
  readonly protocol: number;
  /** 0 unless `protocol` is UDP. */
  readonly port: number;
}

const registries = new WeakMap<Host, TunnelRegistry>();

/** The tunnels of `host`. */
export function tunnelsOf(host: Host): TunnelRegistry {
  let registry = registries.get(host);
  if (registry === undefined) {
    registry = new TunnelRegistry(host);
    registries.set(host, registry);
  }
  return registry;
}

/** Finds the tunnel to which a received packet belongs (`ip_tunnel_lookup`, `vxlan_find_vni`), and holds ports and protocols. */
export class TunnelRegistry {
  readonly context: TunnelContext;
  readonly #host: Host;
  readonly #entrances = new Map<string, Entrance>();
  readonly #keys: OuterKeys = { source: 0, destination: 0, vni: 0, protocol: 0, key: undefined, session: -1 };

  constructor(host: Host) {
    this.#host = host;
    const seed = new Uint32Array(1);
    host.secretRandom(new Uint8Array(seed.buffer));
    this.context = createTunnelContext(host.memory, { seed: seed[0] as number });
  }

  /** @throws SevilleError `EADDRINUSE`: a socket has the tunnel's UDP port; `EEXIST`: nobody could tell it from another */
  add(receiver: TunnelReceiver): void {
    const doors = doorsOf(receiver.endpoint);
    for (const door of doors) {
      const others = this.#entrances.get(nameOf(door))?.receivers ?? [];
      if (!others.some((other) => isSame(other.endpoint, receiver.endpoint))) continue;
      throw new SevilleError("EEXIST", "there is a tunnel with these ends and keys already", "tunnel");
    }
    for (const door of doors) {
      const name = nameOf(door);
      let entrance = this.#entrances.get(name);
      if (entrance === undefined) {
        entrance = this.#open(door);
        this.#entrances.set(name, entrance);
      }
      entrance.receivers.push(receiver);
    }
  }

  remove(receiver: TunnelReceiver): void {
    for (const door of doorsOf(receiver.endpoint)) {
      const name = nameOf(door);
      const entrance = this.#entrances.get(name);
      const at = entrance?.receivers.indexOf(receiver) ?? -1;
      if (entrance === undefined || at < 0) continue;
      entrance.receivers.splice(at, 1);
      if (entrance.receivers.length > 0) continue;
      entrance.close();
      this.#entrances.delete(name);
    }
  }

  #open(door: Door): Entrance {
    const receivers: TunnelReceiver[] = [];
    const { family, protocol, port } = door;
    const handler = {
      name: nameOf(door),
      takesFragments: true,
      receive: (packet: Packet, _family: 4 | 6, dev: NetInterface, now: Nanos) =>
        this.#receive(receivers, door, packet, dev, now),
      icmpError: (error: IcmpError, now: Nanos) => this.#error(receivers, error, now),
    };
    if (protocol !== IPPROTO_UDP) {
      return { receivers, close: this.#host.registerProtocol(protocol, handler, [family]) };
    }
    // The port is taken as by any socket: nobody else can have it.
    const socket = openUdp(this.#host, family === 6 ? { family, v6only: true } : { family });
    socket.bind({ port });
    const unregister = this.#host.udp.encapsulate(family, port, handler);
    const close = (): void => {
      unregister();
      socket.close();
    };
    return { receivers, close };
  }

  #receive(receivers: readonly TunnelReceiver[], door: Door, packet: Packet, dev: NetInterface, now: Nanos): void {
    const host = this.#host;
    if (door.protocol === IPPROTO_UDP) {
      const zeroAllowed = receivers.some(({ endpoint }) => endpoint.policy.zeroChecksumAccepted);
      const fault = admitDatagram(host, this.context.kernels, packet, door.family, zeroAllowed);
      if (fault !== undefined) {
        host.drop(packet, fault, dev);
        return;
      }
    }
    const keys = this.#keys;
    const { view } = host.memory;
    const at = packet.networkHeader;
    keys.source = door.family === 4 ? ipv4.source(view, at) : ipv6.source(view, at);
    keys.destination = door.family === 4 ? ipv4.destination(view, at) : ipv6.destination(view, at);
    if (door.protocol === IPPROTO_UDP) readVni(packet, keys);
    else if (door.protocol === IPPROTO_GRE) readGreKeys(packet, keys, door.family);
    let best: TunnelReceiver | undefined;
    let bestFit = 0;
    for (const receiver of receivers) {
      const fit = fits(receiver.endpoint, keys);
      if (fit <= bestFit) continue;
      best = receiver;
      bestFit = fit;
    }
    if (best !== undefined) {
      best.receiveOuter(packet, now);
      return;
    }
    if (door.protocol === IPPROTO_UDP) {
      host.drop(packet, "VXLAN_VNI_NOT_FOUND", dev);
      return;
    }
    // Nobody's tunnel: the sender is told as of a port (`gre_rcv`, `tunnel4_rcv`, `tunnel6_rcv`).
    if (door.family === 4) sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE, 0, dev);
    else sendIcmp6(host, packet, icmpv6.DESTINATION_UNREACHABLE, icmpv6.PORT_UNREACHABLE, 0, dev);
    host.drop(packet, "NO_SOCKET", dev);
  }

  /** The underlay complains: what it says of its MTU is remembered, and the tunnels to that end hear of the rest. */
  #error(receivers: readonly TunnelReceiver[], error: IcmpError, now: Nanos): void {
    if (isTooBig(error)) {
      learnPathMtu(this.#host, error);
      return;
    }
    for (const receiver of receivers) {
      const { local, remote } = receiver.endpoint.tunnel;
      if (local === error.source && remote === error.destination) receiver.underlayError(error, now);
    }
  }
}

function nameOf({ family, protocol, port }: Door): string {
  return port === 0 ? `ipv${family}/${protocol}` : `udp${family}/${port}`;
}

function doorsOf({ tunnel, policy }: TunnelEndpoint): Door[] {
  const family = isIpv4(tunnel.local) ? 4 : 6;
  if (policy.destinationPort !== 0) return [{ family, protocol: IPPROTO_UDP, port: policy.destinationPort }];
  const protocols = protocolsOf(tunnel.kind);
  return protocols.map((protocol) => ({ family, protocol, port: 0 }));
}

/** The IP protocols that `kind` receives: those of IPv4 and of IPv6 inside, or GRE. */
function protocolsOf(kind: TunnelEndpoint["tunnel"]["kind"]): readonly number[] {
  switch (kind) {
    case "ipip":
      return [IPPROTO_IPIP];
    case "6to4":
      return [IPPROTO_IPV6];
    case "sit":
    case "ip6tnl":
      return [IPPROTO_IPIP, IPPROTO_IPV6];
    default:
      return [IPPROTO_GRE];
  }
}
