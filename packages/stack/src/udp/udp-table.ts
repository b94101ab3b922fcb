import { jhash2, reciprocalScale } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { boundDeviceMatches } from "../socket/inet-socket.ts";
import type { TransportProtocol } from "../host/protocols.ts";
import type { UdpSocket } from "./udp-socket.ts";

/** Who asks for a socket: the ends of a datagram as it came in, and where. */
export interface UdpFlow {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly dif: number;
  readonly sdif: number;
  /** `udp_l3mdev_accept`. */
  readonly acceptL3mdev: boolean;
}

const NO_MATCH = -1;
const words = new Uint32Array(10);

/** The UDP sockets of a host that have a port: `udp_table`. */
export class UdpTable {
  /** By local port, the newest first. */
  readonly #byPort = new Map<number, UdpSocket[]>();
  /** Tunnels, by family and local port. */
  readonly #encapsulations: ReadonlyMap<4 | 6, Map<number, TransportProtocol>> = new Map([
    [4, new Map<number, TransportProtocol>()],
    [6, new Map<number, TransportProtocol>()],
  ]);

  /**
   * Gives datagrams to `port` to a tunnel, `data` at the UDP header, whose length and checksum nobody has looked at and which is not
   * counted yet (`encap_rcv` of `udp_tunnel_sock_cfg`). The caller has bound a socket to the port. Answers the function that ends it.
   */
  encapsulate(family: 4 | 6, port: number, tunnel: TransportProtocol): () => void {
    const ports = this.#encapsulations.get(family);
    ports?.set(port, tunnel);
    return () => ports?.delete(port);
  }

  /** The tunnel that takes datagrams to `port`. */
  encapsulation(family: 4 | 6, port: number): TransportProtocol | undefined {
    return this.#encapsulations.get(family)?.get(port);
  }

  insert(socket: UdpSocket): void {
    const sockets = this.#byPort.get(socket.localPort);
    if (sockets === undefined) this.#byPort.set(socket.localPort, [socket]);
    else sockets.unshift(socket);
  }

  remove(socket: UdpSocket): void {
    const sockets = this.#byPort.get(socket.localPort);
    const at = sockets?.indexOf(socket) ?? -1;
    if (sockets === undefined || at < 0) return;
    sockets.splice(at, 1);
    if (sockets.length === 0) this.#byPort.delete(socket.localPort);
  }

  /** Every socket, port by port. */
  *[Symbol.iterator](): IterableIterator<UdpSocket> {
    for (const sockets of this.#byPort.values()) yield* sockets;
  }

  at(port: number): readonly UdpSocket[] {
    return this.#byPort.get(port) ?? [];
  }

  /**
   * The socket that fits best (`__udp4_lib_lookup`, `compute_score` in net/ipv4/udp.c): connected before bound to the
   * address before bound to any, each better when bound to the device. Equals with SO_REUSEPORT share by a hash.
   */
  lookup(flow: UdpFlow): UdpSocket | undefined {
    const sockets = this.#byPort.get(flow.localPort);
    if (sockets === undefined) return undefined;
    let best: UdpSocket | undefined;
    let bestScore = NO_MATCH;
    for (const socket of sockets) {
      const score = scoreOf(socket, flow);
      if (score > bestScore) {
        best = socket;
        bestScore = score;
      }
    }
    if (best?.options.SO_REUSEPORT !== 1 || best.peer !== undefined) return best;
    const group = sockets.filter((other) => other.options.SO_REUSEPORT === 1 && scoreOf(other, flow) === bestScore);
    if (group.length === 1) return best;
    return group[group.length - 1 - reciprocalScale(hashOf(flow), group.length)];
  }

  /** Every socket that takes a datagram to a group or to all (`__udp4_lib_mcast_deliver`). */
  lookupAll(flow: UdpFlow): UdpSocket[] {
    return this.at(flow.localPort).filter(
      (socket) =>
        scoreOf(socket, flow) !== NO_MATCH &&
        socket.memberships.accepts(flow.localAddress, flow.remoteAddress, flow.dif, flow.sdif),
    );
  }
}

function scoreOf(socket: UdpSocket, flow: UdpFlow): number {
  const { localAddress, remoteAddress } = flow;
  const v4 = typeof localAddress === "number";
  const own = v4 ? socket.receives.v4 : socket.receives.v6;
  if (own === undefined) return NO_MATCH;
  let score = v4 && socket.family === 4 ? 2 : 1;
  if (!isAny(own)) {
    if (own !== localAddress) return NO_MATCH;
    score += 4;
  }
  const { peer } = socket;
  if (peer !== undefined) {
    if (peer.address !== remoteAddress || peer.port !== flow.remotePort) return NO_MATCH;
    score += 8;
  }
  if (!boundDeviceMatches(socket.boundDevice, flow.dif, flow.sdif, flow.acceptL3mdev)) return NO_MATCH;
  return socket.boundDevice === 0 ? score : score + 4;
}

function isAny(address: IpAddress): boolean {
  return typeof address === "number" ? address === 0 : (address.w0 | address.w1 | address.w2 | address.w3) === 0;
}

function hashOf(flow: UdpFlow): number {
  let length = add(add(0, flow.localAddress), flow.remoteAddress);
  words[length++] = (flow.localPort << 16) | flow.remotePort;
  return jhash2(words, 0, length);
}

function add(at: number, address: IpAddress): number {
  if (typeof address === "number") {
    words[at] = address;
    return at + 1;
  }
  words[at] = address.w0;
  words[at + 1] = address.w1;
  words[at + 2] = address.w2;
  words[at + 3] = address.w3;
  return at + 4;
}
