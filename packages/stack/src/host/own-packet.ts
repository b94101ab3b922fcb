import type { Packet } from "@seville/packet";
import type { Host } from "./host.ts";
import type { NetInterface } from "../interface/net-interface.ts";

/** `packet` as one that nobody else reads, for a write; `undefined` if there is no memory: then it is dropped. */
export function ownPacket(host: Host, packet: Packet, dev: NetInterface | undefined): Packet | undefined {
  if (!packet.isShared) return packet;
  const copy = packet.copy();
  if (copy === undefined) {
    host.drop(packet, "NOMEM", dev);
    return undefined;
  }
  packet.release();
  return copy;
}
