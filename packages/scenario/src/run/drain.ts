import { SevilleError } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { UdpSocket } from "@seville/stack";

/**
 * Takes all that waits at a socket. `onPacket` borrows a packet, `data` at the payload; `onError` is told each error that was pending, by
 * its errno.
 */
export function drain(socket: UdpSocket, onPacket: (packet: Packet) => void, onError: (code: string) => void): void {
  for (;;) {
    let packet: Packet | undefined;
    try {
      packet = socket.recvPacket();
    } catch (error) {
      if (!(error instanceof SevilleError) || error.code.startsWith("ERR_")) throw error;
      onError(error.code);
      continue;
    }
    if (packet === undefined) return;
    onPacket(packet);
    packet.release();
  }
}

/** A socket that sends back what it gets (RFC 862). */
export function answerAll(socket: UdpSocket): void {
  socket.onReadable = () => {
    drain(
      socket,
      (packet) => {
        const { address, port } = socket.meta(packet);
        try {
          socket.send(packet.bytes(), { address, port });
        } catch (error) {
          // A server whose answer cannot go out drops it, as any would.
          if (!(error instanceof SevilleError) || error.code.startsWith("ERR_")) throw error;
        }
      },
      () => undefined,
    );
  };
}
