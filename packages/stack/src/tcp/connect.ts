import { isMulticast, isUnspecified, type IpAddress } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import { anyAddress, needsZone, resolveAddress, type SocketAddressLike } from "../socket/socket-address.ts";
import { findWay } from "./tcp-route.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/**
 * `tcp_v4_connect`, `tcp_v6_connect`: finds the way, the source address and a port, and lets TCP begin. With `bytes` (MSG_FASTOPEN) they go
 * along if they can; answers how many were taken.
 */
export function connectTo(socket: TcpSocket, to: SocketAddressLike, bytes: Uint8Array | undefined): number {
  const { host, tcp, family, options } = socket;
  const target = resolveAddress(host, family, to, anyAddress(family));
  const { port } = target;
  if (family === 6 && typeof target.address === "number" && options.IPV6_V6ONLY !== 0) {
    throw errnoError("ENETUNREACH", "IPV6_V6ONLY", "address");
  }
  const oif = target.ifindex === 0 ? socket.boundDevice : target.ifindex;
  if (typeof target.address !== "number" && needsZone(target.address) && oif === 0) {
    throw errnoError("EINVAL", "a link-local address needs its interface", "address");
  }
  if (socket.boundDevice !== 0 && target.ifindex !== 0 && target.ifindex !== socket.boundDevice) {
    throw errnoError("EINVAL", "the socket is bound to another interface", "address");
  }
  const way = findWay(host, {
    source: localFor(socket.localAddress, target.address),
    destination: target.address,
    sourcePort: socket.localPort,
    destinationPort: port,
    oif,
    mark: options.SO_MARK,
    tos: typeof target.address === "number" ? options.IP_TOS : options.IPV6_TCLASS,
    flowLabel: 0,
    anySource: options.IP_FREEBIND !== 0,
    preferences: options.IPV6_ADDR_PREFERENCES,
  });
  if (typeof way === "string") {
    if (way === "ENETUNREACH") host.mib.ip.OutNoRoutes++;
    throw errnoError(way);
  }
  const { type } = way.hop.route;
  if (type === "broadcast" || type === "multicast" || isMulticast(way.destination)) throw errnoError("ENETUNREACH");
  const remote = { address: way.destination, port };
  const isFree = (local: number): boolean =>
    tcp.endpoint.find({ address: way.source, port: local }, remote, oif) === undefined;
  const localPort = socket.takePortFor(isFree);
  const local = { address: way.source, port: localPort };
  return tcp.act((endpoint, now) => {
    const connection = endpoint.connect(
      local,
      remote,
      {
        ifindex: oif,
        options: socket.settings.all,
        ...(bytes === undefined ? {} : { data: bytes }),
      },
      now,
    );
    socket.adopt(connection);
    return bytes === undefined ? 0 : connection.fastOpenTaken;
  });
}

function localFor(local: IpAddress, remote: IpAddress): IpAddress {
  if (isUnspecified(local)) return anyAddress(typeof remote === "number" ? 4 : 6);
  if (typeof local !== typeof remote)
    throw errnoError("EINVAL", "the socket is bound to an address of the other family", "address");
  return local;
}
