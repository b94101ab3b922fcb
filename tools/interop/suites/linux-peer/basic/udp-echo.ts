import type { World } from "../../../../../packages/scenario/src/index.ts";

/** Has the simulated host `server` answer every datagram to port 7 with the same bytes (RFC 862), in both families. */
export function openUdpService(world: World): void {
  void world;
  throw new Error("to be joined to the stack's UDP sockets");
}
