import { SevilleError } from "@seville/core";
import type { Host } from "../host/host.ts";
import type { SocketAddressLike } from "../socket/socket-address.ts";
import { openUdp } from "../socket/open.ts";
import type { UdpSocket } from "../udp/udp-socket.ts";

/** A server that sends every datagram back to where it came from (RFC 862). */
export interface UdpEcho {
  readonly socket: UdpSocket;
  /** Datagrams sent back, and those that could not be. */
  readonly echoed: number;
  readonly failed: number;
  close(): void;
}

/** Starts an echo server. Default: port 7 on every address, IPv4 and IPv6. */
export function startUdpEcho(host: Host, at: SocketAddressLike = {}): UdpEcho {
  const socket = openUdp(host, { family: 6 });
  socket.bind({ port: 7, ...at });
  const echo = {
    socket,
    echoed: 0,
    failed: 0,
    close: () => {
      socket.close();
    },
  };
  socket.onReadable = () => {
    // A client that went away is its own affair: the server goes on.
    socket.takeError();
    for (let packet = socket.recvPacket(); packet !== undefined; packet = socket.recvPacket()) {
      const { address, port, destination } = socket.meta(packet);
      const copy = packet.copy();
      packet.release();
      if (copy === undefined) {
        echo.failed++;
        continue;
      }
      try {
        socket.sendPacket(copy, { address, port }, { source: destination });
        echo.echoed++;
      } catch (error) {
        if (!(error instanceof SevilleError)) throw error;
        echo.failed++;
      }
    }
  };
  return echo;
}
