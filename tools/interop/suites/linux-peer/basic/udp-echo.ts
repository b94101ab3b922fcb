import type { World } from "../../../../../packages/scenario/src/index.ts";
import { openUdp } from "../../../../../packages/stack/src/index.ts";

/** Has the simulated host `server` answer every datagram to port 7 with the same bytes (RFC 862), in both families. */
export function openUdpService(world: World): void {
  const host = world.hosts.get("server");
  if (host === undefined) throw new Error("the topology has no host called server");
  for (const family of [4, 6] as const) {
    const socket = openUdp(host, family === 6 ? { family, v6only: true } : { family });
    socket.bind({ port: 7 });
    socket.onReadable = () => {
      for (let datagram = socket.recv(); datagram !== undefined; datagram = socket.recv()) {
        socket.send(datagram.data, { address: datagram.address, port: datagram.port });
      }
    };
  }
}
